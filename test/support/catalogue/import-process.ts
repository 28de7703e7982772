import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { programOf } from '../product.ts';

export interface ImportProcess {
  process: ChildProcess;
  /** Settles once standard output holds this; rejects when the process ends before. */
  said(text: string): Promise<void>;
  exited: Promise<{ code: number | null; output: string; errors: string }>;
}

/** `npm run import` with these arguments, in an environment without configuration but `env`. Ended with the test. */
export function startImport(args: readonly string[], env: NodeJS.ProcessEnv = {}): ImportProcess {
  const outer = Object.entries(process.env).filter(([name]) => !/^(CADENZA_.*|DATABASE_URL)$/.test(name));
  const child = spawn(process.execPath, [programOf('cli/database/import'), ...args], {
    env: { ...Object.fromEntries(outer), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { output: '', errors: '' };
  child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    texts.output += chunk.toString();
    child.emit('said');
  });
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, ...texts }));
  onTestFinished(async () => {
    if (child.kill('SIGKILL')) await exited;
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (texts.output.includes(text)) resolve();
      };
      child.on('said', look);
      look();
      void exited.then(() => reject(new Error(`The import ended without saying ${text}: ${texts.errors}`)));
    });
  return { process: child, said, exited };
}
