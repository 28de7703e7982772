import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { temporaryFolder } from '../folder.ts';
import { programOf } from '../product.ts';

/** Runs `npm run models` with a data folder of its own. */
export async function runModels(env: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, [programOf('cli/models'), ...args], {
    env: { ...process.env, CADENZA_DATA_DIR: await temporaryFolder(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (told.output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (told.errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...told };
}
