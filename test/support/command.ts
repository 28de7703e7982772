import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * A command of the product, as an operator runs it: a process with no variables but these.
 * @param name of its file in src/cli
 */
export function commandOf(name: string) {
  const script = fileURLToPath(new URL(`../../src/cli/${name}.ts`, import.meta.url));
  return async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const { PATH } = process.env;
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { env: { PATH, ...env } });
    const texts = { output: '', errors: '' };
    child.stdout.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  };
}
