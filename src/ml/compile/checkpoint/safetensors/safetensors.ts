import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { encodedBytes } from '../blocks/dequantize.ts';
import { ModelFileError } from '../model-file-error.ts';
import { readRows } from '../stored-rows.ts';

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
/** ggml's numbers for these encodings. */
const encodings: Readonly<Record<string, number>> = { F32: 0, F16: 1, BF16: 30 };

const size = z.int().nonnegative();
const headerSchema = z.record(
  z.string(),
  z.object({ dtype: z.string(), shape: z.array(size).max(8), data_offsets: z.tuple([size, size]) }),
);
const metadataSchema = z.record(z.string(), z.string());

interface Header {
  tensors: ReadonlyMap<string, StoredTensor>;
  metadata: Readonly<Record<string, string>>;
}

interface StoredTensor {
  type: number;
  /** Outermost dimension first. */
  shape: readonly number[];
  /** Bytes from the start of the file. */
  offset: number;
}

/** An open safetensors file, its header checked against the file's size. */
export class SafetensorsFile implements AsyncDisposable {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #handle: FileHandle;

  private constructor({ tensors, metadata }: Header, handle: FileHandle) {
    this.tensors = tensors;
    this.metadata = metadata;
    this.#handle = handle;
  }

  /** @throws ModelFileError */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw new ModelFileError(`${basename(path)} cannot be opened: ${String(error)}`);
    });
    try {
      return new SafetensorsFile(await readHeader(handle, basename(path)), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Rows [from, to) of a matrix (or a vector as one row), as floats. */
  rows(name: string, from: number, to: number): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new ModelFileError(`the checkpoint has no tensor ${name}`);
    return readRows(this.#handle, { ...tensor, name, columns: tensor.shape.at(-1) ?? 0 }, from, to);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** Eight bytes of length, then JSON, then the data that its offsets refer to. */
async function readHeader(handle: FileHandle, file: string): Promise<Header> {
  const { size: fileBytes } = await handle.stat();
  if (fileBytes < 8) throw new ModelFileError(`${file} is not a safetensors file: it has ${fileBytes} bytes`);
  const length = Number((await readAt(handle, 0, 8)).readBigUInt64LE());
  if (length > Math.min(fileBytes - 8, MAX_HEADER_BYTES))
    throw new ModelFileError(
      `${file} is not a safetensors file, or is truncated: its header would have ${length} bytes`,
    );
  const start = 8 + length;
  const { metadata, entries } = parseHeader((await readAt(handle, 8, length)).toString(), file);
  const tensors = new Map(
    Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const type = encodings[dtype];
        if (type === undefined) throw new ModelFileError(`${name} is stored as ${dtype}; supported are F32, F16, BF16`);
        const elements = shape.reduce((product, dim) => product * dim, 1);
        if (!Number.isSafeInteger(elements) || elements < 1 || to - from !== encodedBytes(type, elements, name))
          throw new ModelFileError(`${name}: the shape [${shape.join(', ')}] does not fit its ${to - from} bytes`);
        if (start + to > fileBytes)
          throw new ModelFileError(`${file} is truncated: ${name} ends beyond the end of the file`);
        return [name, { type, shape, offset: start + from }] as const;
      },
    ),
  );
  return { tensors, metadata };
}

function parseHeader(text: string, file: string) {
  const problem = (reason: string) => new ModelFileError(`${file} has no readable header: ${reason}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw problem((error as Error).message);
  }
  if (typeof json !== 'object' || json === null) throw problem('it is not an object');
  const { __metadata__: metadata, ...tensors } = json as Record<string, unknown>;
  const parsed = headerSchema.safeParse(tensors);
  // What is no text says nothing to us; other programs' files are read all the same.
  if (parsed.success) return { entries: parsed.data, metadata: metadataSchema.catch({}).parse(metadata) };
  const [issue] = parsed.error.issues;
  throw problem(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  if (bytesRead !== length) throw new ModelFileError('the file shrank while it was read');
  return bytes;
}
