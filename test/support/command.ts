import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from './product.ts';

/**
 * A command of the product, as an operator runs it: a process with no variables but these.
 * @param name of its file in src/cli
 */
export function commandOf(name: string) {
  return async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const { PATH } = process.env;
    const child = spawn(process.execPath, [programOf(`cli/${name}`), ...args], { env: { PATH, ...env } });
    const texts = { output: '', errors: '' };
    child.stdout.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  };
}
