import { exec } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MasterKeyConfig } from '../../config.ts';
import { StartupError } from '../../lib/errors.ts';
import { MasterKeys, newMasterKey } from './master-keys.ts';

const COMMAND_MS = 30_000;

/** The configured master keys. @throws StartupError */
export async function openMasterKeys(config: MasterKeyConfig): Promise<MasterKeys> {
  switch (config.kind) {
    case 'key':
      return MasterKeys.parse(config.keys, 'CADENZA_MASTER_KEY');
    case 'file':
      return MasterKeys.parse(await fileOf(config.path), `${config.path} (CADENZA_MASTER_KEY_FILE)`);
    case 'command':
      return MasterKeys.parse(await outputOf(config.command), 'the output of CADENZA_MASTER_KEY_COMMAND');
  }
}

/** The master keys of an embedded database: in a file of the data folder that is made if it is missing. */
export async function openLocalMasterKeys(dataDir: string): Promise<MasterKeys> {
  const path = join(dataDir, 'master.key');
  await mkdir(dataDir, { recursive: true });
  try {
    // Written once, and only readable for the server's user.
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(`${newMasterKey()}\n`);
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new StartupError(`Cadenza cannot write its master key to ${path}: ${(error as Error).message}`);
  }
  return MasterKeys.parse(await fileOf(path), path);
}

async function fileOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new StartupError(`Cadenza cannot read the master key in ${path}: ${(error as Error).message}`);
  }
}

/** What a command prints, which may ask a key management service. Its errors go to the operator, its output does not. */
async function outputOf(command: string): Promise<string> {
  try {
    const { stdout } = await promisify(exec)(command, { timeout: COMMAND_MS, maxBuffer: 64 * 1024 });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    const reason = stderr?.trim().split('\n').at(-1) ?? 'it was ended';
    throw new StartupError(`CADENZA_MASTER_KEY_COMMAND failed (${String(code)}): ${reason}`);
  }
}
