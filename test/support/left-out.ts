import { realModel, realTranslator } from './models/real-model.ts';
import { hasNats } from './network/nats.ts';
import { browserPath } from './pages/browser.ts';
import { canMount } from './postgres/small-disk.ts';

/** Says after the run, in a line each, which tests were left out for something that this machine lacks. */
export default function setup(): () => void {
  const lines = [
    realModel === null && 'Tests on the real model were left out; to have them: npm run models -- pull',
    realTranslator === null &&
      'Tests on the real translator were left out; to have them: npm run models -- pull bergamot-en-pt-tiny',
    browserPath === null && 'Tests in a browser were left out; to have them: apt-get install chromium',
    !hasNats && 'Tests of the log in NATS were left out; to have them: apt-get install nats-server',
    !canMount && 'Tests of full disks were left out: they need Linux and root, to mount a tmpfs',
  ];
  return () => {
    for (const line of lines) if (line !== false) process.stderr.write(`${line}\n`);
  };
}
