import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import { InvalidInputError } from '../lib/errors.ts';

/** A file to import: its bytes, unzipped where it is zipped. */
export interface Source {
  /** For messages: the name without its folder. */
  name: string;
  /** Size on disk. */
  bytes: number;
  /** The unzipped content; `onRead` hears how many bytes of the file each step took. */
  chunks(onRead: (bytes: number) => void, signal?: AbortSignal): AsyncGenerator<Buffer, void>;
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const CHUNK_BYTES = 256 * 1024;

/** Opens a file, gzipped or not (its first bytes tell, not its name). @throws InvalidInputError [IMP6] */
export async function openSource(path: string): Promise<Source> {
  const name = basename(path);
  const { size, start } = await inspect(path);
  const isZipped = start.equals(GZIP_MAGIC);
  return {
    name,
    bytes: size,
    chunks: (onRead, signal) => (isZipped ? unzip(path, name, onRead, signal) : read(path, onRead, signal)),
  };
}

/** Whether something is there, before anything is opened for it. @throws InvalidInputError [IMP6] */
export async function checkExists(path: string): Promise<void> {
  await stat(path).catch((error: unknown) => {
    throw explain(error, path);
  });
}

async function inspect(path: string): Promise<{ size: number; start: Buffer }> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory())
      throw new InvalidInputError(`${path} is a folder; this format is read from a file`, 'path');
    if (!stats.isFile()) throw new InvalidInputError(`${path} is neither a file nor a folder`, 'path');
    if (stats.size === 0) throw new InvalidInputError(`${path} is empty`, 'path');
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
    return { size: stats.size, start: buffer.subarray(0, bytesRead) };
  } catch (error) {
    throw explain(error, path);
  }
}

/** What the file system says, in words for whoever typed the path. */
export function explain(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new InvalidInputError(`${path} does not exist`, 'path');
  if (code === 'ENOTDIR') return new InvalidInputError(`a part of ${path} is a file, not a folder`, 'path');
  if (code === 'EACCES' || code === 'EPERM')
    return new InvalidInputError(`${path} may not be read by this user`, 'path');
  if (code === 'EIO') return new InvalidInputError(`${path} cannot be read: its disk fails`, 'path');
  return error;
}

async function* read(
  path: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    signal?.throwIfAborted();
    onRead((chunk as Buffer).length);
    yield chunk as Buffer;
  }
}

/** Gunzips with backpressure: no more than a few chunks are ever in memory, however far the file unfolds. */
async function* unzip(
  path: string,
  name: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  file.on('data', (chunk) => onRead(chunk.length));
  file.once('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of file.pipe(gunzip)) {
      signal?.throwIfAborted();
      yield chunk as Buffer;
    }
  } catch (error) {
    throw explainGzip(error, name);
  } finally {
    file.destroy();
  }
}

function explainGzip(error: unknown, name: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return new InvalidInputError(`${name} is cut off: the gzip data ends too early`, 'path');
  if (code === 'Z_DATA_ERROR') return new InvalidInputError(`${name} is damaged: its gzip data is not valid`, 'path');
  return error;
}
