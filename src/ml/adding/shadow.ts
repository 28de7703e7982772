import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { diskFull, isDiskFull } from '../store/download.ts';
import { describeSource, openModelSource } from '../store/sources.ts';
import type { ListedFile, ListingContext } from './listing.ts';

const MEGABYTE = 2 ** 20;
/** A GGUF file's header has the vocabulary. */
const GGUF_HEAD = 48 * MEGABYTE;
/** Of tensors only names and shapes. */
const TENSORS_HEAD = 4 * MEGABYTE;
/** Texts are read whole. */
const LONGEST_TEXT = 64 * MEGABYTE;

/** A file of a model under the name that it will have. */
export interface NamedFile extends ListedFile {
  name: string;
}

/**
 * Writes files that are as long as the model's and begin as they do, with nothing where the weights will be. So all that
 * a header tells can be read, and checked, before gigabytes are fetched.
 */
export async function writeShadow(files: readonly NamedFile[], folder: string, context: ListingContext): Promise<void> {
  for (const [index, file] of files.entries()) {
    const head = await readHead(file, headOf(file, index), context);
    await writeHead(join(folder, file.name), head, file.bytes).catch((error: unknown) => {
      throw isDiskFull(error) ? diskFull(file.name, head.length, folder) : error;
    });
  }
}

async function writeHead(path: string, head: Buffer, bytes: number): Promise<void> {
  await makeFolder(dirname(path));
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(head);
    await handle.truncate(bytes);
  } finally {
    await handle.close();
  }
}

/** Fills in a range of a file's shadow. */
export async function fillShadow(
  file: NamedFile,
  folder: string,
  [from, to]: readonly [number, number],
  context: ListingContext,
): Promise<void> {
  const bytes = await readHead(file, to - from, context, from);
  const handle = await open(join(folder, file.name), 'r+');
  await handle.write(bytes, 0, bytes.length, from).finally(() => handle.close());
}

function headOf({ name, bytes }: NamedFile, index: number): number {
  if (name.endsWith('.gguf')) return Math.min(bytes, index === 0 ? GGUF_HEAD : TENSORS_HEAD);
  if (name.endsWith('.safetensors')) return Math.min(bytes, TENSORS_HEAD);
  if (/\.onnx(_data|\.data)?$/.test(name)) return 0;
  return Math.min(bytes, LONGEST_TEXT);
}

/** The bytes from `from` on, at most `length`. */
async function readHead(file: NamedFile, length: number, context: ListingContext, from = 0): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  try {
    const { start, body } = await openModelSource(file.source, { ...context, offset: from });
    let [skip, had] = [from - start, 0];
    for await (const chunk of body) {
      const useful = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - useful.length;
      chunks.push(useful);
      if ((had += useful.length) >= length) break;
    }
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelUnavailableError(`${describeSource(file.source)}: ${reason}`);
  }
  return Buffer.concat(chunks).subarray(0, length);
}
