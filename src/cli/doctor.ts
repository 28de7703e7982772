import { loadConfig } from '../config.ts';
import { parseCommandLine, runCommand } from './command.ts';
import { print } from './display.ts';
import { findingsOf, lineOf, note, type Observation, right } from './doctor/findings.ts';
import { examineMachine } from './doctor/machine.ts';
import { examineStores } from './doctor/stores.ts';

const USAGE = `npm run doctor [-- --json]

  Looks at everything that a server with this configuration needs, and says what is right and what to do about the rest.
  It changes nothing, and may be run beside a server. The exit status is 1 if something is wrong.

  --json   one JSON object with all findings, for programs`;

async function run(args: string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  const findings = await examine();
  const isRight = findings.every(({ status }) => status !== 'wrong');
  if (values.json) print(JSON.stringify({ ok: isRight, findings }));
  else for (const finding of findings) print(lineOf(finding));
  return isRight ? 0 : 1;
}

async function examine(): Promise<Observation[]> {
  return findingsOf('config', async () => {
    const config = loadConfig();
    return [
      right('config', 'is valid'),
      ...config.warnings.map((warning) => note('config', warning)),
      ...(await examineStores(config)),
      ...(await examineMachine(config)),
    ];
  });
}

await runCommand({ usage: USAGE, run });
