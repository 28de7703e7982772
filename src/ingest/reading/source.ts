import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { InvalidInputError } from '../../lib/errors.ts';
import { toUtf8 } from './utf16.ts';
import { listZip, type ZippedFile } from './zip.ts';

/** A file to import, with its uncompressed bytes. */
export interface Source {
  /** The name for messages: without its folder, or within an archive or folder after that one's name. */
  name: string;
  /** Size on disk in bytes. */
  bytes: number;
  /** The uncompressed content, never UTF-16. `onRead` is called with the number of file bytes that each step read. */
  chunks(onRead: (bytes: number) => void, signal?: AbortSignal): AsyncGenerator<Buffer, void>;
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
/** The start of a file in an archive, or of the end of an archive without files. */
const ZIP_MAGICS = [Buffer.from('PK\x03\x04', 'latin1'), Buffer.from('PK\x05\x06', 'latin1')];
const CHUNK_BYTES = 256 * 1024;

/**
 * Opens one file: gzipped, alone in a zip archive, or plain, as detected from its first bytes.
 * @throws InvalidInputError [IMP6]
 */
export async function openSource(path: string): Promise<Source> {
  const sources = await openFile(path, basename(path));
  const [only] = sources;
  if (only && sources.length === 1) return only;
  const names = sources.slice(0, 5).map(({ name }) => name.slice(basename(path).length + 1));
  const some =
    names.length === 0 ? 'no file' : `${sources.length} files (${names.join(', ')}${sources.length > 5 ? ', …' : ''})`;
  const isSpotify = names.some((name) => /streaming_?history|endsong/i.test(name));
  const remedy = isSpotify
    ? 'this looks like a Spotify export: npm run import -- spotify PATH --listener ID'
    : 'this format is read from one; unzip it and import the file that is meant';
  throw new InvalidInputError(`${path} holds ${some}; ${remedy}`, 'path');
}

/**
 * Opens all files: a single file like `openSource`, the files of an archive, or those of a folder and its subfolders.
 * @throws InvalidInputError [IMP6]
 */
export async function openSources(path: string): Promise<Source[]> {
  const name = basename(path);
  const stats = await stat(path).catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  if (!stats.isDirectory()) return openFile(path, name);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  const sources: Source[] = [];
  for (const file of paths) {
    // Of several files, empty ones are skipped.
    if ((await stat(file)).size > 0) sources.push(...(await openFile(file, join(name, file.slice(path.length)))));
  }
  return sources;
}

/** Checks that the path exists before anything is opened for it. @throws InvalidInputError [IMP6] */
export async function checkExists(path: string): Promise<void> {
  await stat(path).catch((error: unknown) => {
    throw explainFileError(error, path);
  });
}

async function openFile(path: string, name: string): Promise<Source[]> {
  const { size, start } = await inspect(path);
  if (ZIP_MAGICS.some((magic) => start.equals(magic))) {
    const files = await listZip(path, name, size);
    return files.map((file) => sourceOf(`${name}/${file.path}`, file));
  }
  const isGzipped = start.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC);
  const read = isGzipped ? gunzip : readPlain;
  return [sourceOf(name, { bytes: size, chunks: (onRead, signal) => read(path, name, onRead, signal) })];
}

function sourceOf(name: string, { bytes, chunks }: Pick<ZippedFile, 'bytes' | 'chunks'>): Source {
  return { name, bytes, chunks: (onRead, signal) => toUtf8(chunks(onRead, signal), name) };
}

async function inspect(path: string): Promise<{ size: number; start: Buffer }> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory())
      throw new InvalidInputError(`${path} is a folder; this format is read from a file`, 'path');
    if (!stats.isFile()) throw new InvalidInputError(`${path} is neither a file nor a folder`, 'path');
    if (stats.size === 0) throw new InvalidInputError(`${path} is empty`, 'path');
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return { size: stats.size, start: buffer.subarray(0, bytesRead) };
  } catch (error) {
    throw explainFileError(error, path);
  }
}

/** Explains an error of the file system to whoever typed the path. */
export function explainFileError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new InvalidInputError(`${path} does not exist`, 'path');
  if (code === 'ENOTDIR') return new InvalidInputError(`a part of ${path} is a file, not a folder`, 'path');
  if (code === 'EACCES' || code === 'EPERM')
    return new InvalidInputError(`${path} cannot be read by this user`, 'path');
  if (code === 'EIO') return new InvalidInputError(`${path} cannot be read because its disk fails`, 'path');
  return error;
}

async function* readPlain(
  path: string,
  _: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    signal?.throwIfAborted();
    onRead((chunk as Buffer).length);
    yield chunk as Buffer;
  }
}

/** Decompresses with backpressure: at most a few chunks are in memory, however large the content is. */
async function* gunzip(
  path: string,
  name: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const gunzipped = createGunzip({ chunkSize: CHUNK_BYTES });
  file.on('data', (chunk) => onRead(chunk.length));
  file.once('error', (error) => gunzipped.destroy(error));
  try {
    for await (const chunk of file.pipe(gunzipped)) {
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
  if (code === 'Z_BUF_ERROR')
    return new InvalidInputError(`${name} is truncated: the gzip data ends too early`, 'path');
  if (code === 'Z_DATA_ERROR') return new InvalidInputError(`${name} is damaged: its gzip data is not valid`, 'path');
  return error;
}
