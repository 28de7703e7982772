import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../../lib/text/digest.ts';

/** The bytes that a file must have. */
export interface Promised {
  sha256: string;
  bytes: number;
}

/** Records that the file with this size and modification time was read and has this digest. */
const stampSchema = z.object({ sha256: z.string(), bytes: z.number(), mtimeMs: z.number() });
type Stamp = z.output<typeof stampSchema>;

export type FileState = 'absent' | 'whole' | 'corrupt';

/** Fast if the file's stamp matches. Otherwise it reads the whole file, and stamps it if it is correct. */
export async function checkFile(path: string, promised: Promised, signal?: AbortSignal): Promise<FileState> {
  const found = await stat(path).catch(() => null);
  if (found === null) return 'absent';
  if (found.size !== promised.bytes) return 'corrupt';
  if ((await stampedDigest(path)) === promised.sha256) return 'whole';
  return verifyFile(path, promised, signal);
}

/** Reads the whole file and ignores its stamp. */
export async function verifyFile(path: string, promised: Promised, signal?: AbortSignal): Promise<FileState> {
  const found = await stat(path).catch(() => null);
  if (found === null) return 'absent';
  if (found.size !== promised.bytes || (await digestOf(path, signal)) !== promised.sha256) return 'corrupt';
  await stampFile(path, promised);
  return 'whole';
}

/** The digest that a file had when it was last read, unless it has changed since. */
export async function stampedDigest(path: string): Promise<string | null> {
  const [found, stamp] = [await stat(path).catch(() => null), await readStamp(path)];
  return stamp && stamp.bytes === found?.size && stamp.mtimeMs === found.mtimeMs ? stamp.sha256 : null;
}

/** Records that the file in its current state is correct. */
export async function stampFile(path: string, { sha256, bytes }: Promised): Promise<void> {
  const { mtimeMs } = await stat(path);
  const stamp: Stamp = { sha256, bytes, mtimeMs };
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, JSON.stringify(stamp));
  await rename(temporary, stampPath(path));
}

/** Renames a finished file so that after a power failure either the whole file exists or none. */
export async function publishFile(temporary: string, path: string): Promise<void> {
  await syncPath(temporary, 'r+');
  await rename(temporary, path);
  // The rename is durable once the folder is synced. Windows cannot open folders and does not need this.
  if (process.platform !== 'win32') await syncPath(dirname(path), 'r');
}

function stampPath(path: string): string {
  return `${path}.verified.json`;
}

async function syncPath(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readStamp(path: string): Promise<Stamp | null> {
  try {
    return stampSchema.parse(JSON.parse(await readFile(stampPath(path), 'utf8')));
  } catch {
    return null;
  }
}
