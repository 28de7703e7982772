import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPostmaster, PASSWORD_FILE } from './cluster-files.ts';

/** The URL of a database of the embedded server of this data folder. Null if it does not run. */
export async function runningUrl(dataDir: string, database: string): Promise<string | null> {
  const data = join(dataDir, 'postgres', 'data');
  const port = (await findPostmaster(data))?.port;
  if (!port) return null;
  const password = (await readFile(join(data, PASSWORD_FILE), 'utf8')).trim();
  return `postgres://cadenza:${password}@127.0.0.1:${port}/${database}`;
}
