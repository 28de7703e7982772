import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { InvalidInputError } from '../../lib/errors.ts';

/** A file within a zip archive. */
export interface ZippedFile {
  /** Path within the archive, with folders. */
  path: string;
  /** Compressed size in bytes. */
  bytes: number;
  /** The content. `onRead` is called with the approximate number of archive bytes that each step read. */
  chunks(onRead: (bytes: number) => void, signal?: AbortSignal): AsyncGenerator<Buffer, void>;
}

const MAX_FILES = 10_000;
/**
 * Text is seldom compressed by more than a factor of 40. Archives beyond this factor are made to exhaust memory or
 * time.
 */
const MAX_RATIO = 250;
const FREE_BYTES = 64 * 1024 * 1024;

/**
 * The files of an archive in its order, without folders and macOS's additions.
 * @throws InvalidInputError if it is damaged, encrypted, or compressed more than text ever is
 */
export async function listZip(path: string, name: string, size: number): Promise<ZippedFile[]> {
  const files: ZippedFile[] = [];
  let unfolded = 0;
  try {
    let index = -1;
    for await (const entry of (await yauzl.openPromise(path)).eachEntry()) {
      if (++index >= MAX_FILES) throw refusal(name, `holds more than ${MAX_FILES.toLocaleString('en')} files`);
      unfolded += entry.uncompressedSize;
      if (unfolded > FREE_BYTES + size * MAX_RATIO)
        throw refusal(
          name,
          `would unfold to more than ${MAX_RATIO} times its size; unzip it first if it is to be trusted`,
        );
      if (!isContent(entry.fileName)) continue;
      files.push(zippedFile(path, name, entry, index));
    }
  } catch (error) {
    throw explainZip(error, name);
  }
  return files;
}

const isContent = (path: string): boolean => !/\/$|(^|\/)(__MACOSX\/|\.DS_Store$|\._)/.test(path);

function zippedFile(path: string, name: string, entry: Entry, index: number): ZippedFile {
  const read = async function* (onRead: (bytes: number) => void, signal?: AbortSignal): AsyncGenerator<Buffer, void> {
    try {
      yield* unfold(await yauzl.openPromise(path), entry, index, onRead, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw explainZip(error, `${name}/${entry.fileName}`);
    }
  };
  return { path: entry.fileName, bytes: entry.compressedSize, chunks: read };
}

/** An entry is only valid for the opening that listed it, so it is looked up again. */
async function* unfold(
  zip: ZipFile,
  { crc32: expected, compressedSize, uncompressedSize }: Entry,
  index: number,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  const share = compressedSize / Math.max(1, uncompressedSize);
  let at = -1;
  let sum = 0;
  for await (const entry of zip.eachEntry()) {
    if (++at < index) continue;
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      signal?.throwIfAborted();
      sum = crc32(chunk as Buffer, sum);
      onRead((chunk as Buffer).length * share);
      yield chunk as Buffer;
    }
    if (sum !== expected) throw new Error('its checksum differs');
    return;
  }
}

function refusal(name: string, reason: string): InvalidInputError {
  return new InvalidInputError(`${name} ${reason}`, 'path');
}

/** The library's own errors have no code. Those of the file system and of consumers do, and are passed on. */
function explainZip(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof InvalidInputError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code !== '' && !code.startsWith('Z_')) return error;
  if (/encrypt/i.test(error.message)) return refusal(name, 'is encrypted; unzip it with its password first');
  return refusal(name, `is damaged or truncated: ${error.message}`);
}
