import { type FileHandle, open, stat } from 'node:fs/promises';
import { gguf } from '@huggingface/gguf';
import { encodedBytes } from './dequantize.ts';
import { ModelFileError } from './model-file-error.ts';
import { readRows } from './stored-rows.ts';

/** The number of files that a model was split into. */
const SPLIT_COUNT = 'split.count';

export type MetadataValue = string | number | boolean | MetadataValue[];

/** The key–value pairs of a GGUF header, with 64-bit integers as numbers. */
export class GgufMetadata {
  readonly values: ReadonlyMap<string, MetadataValue>;

  constructor(values: ReadonlyMap<string, MetadataValue>) {
    this.values = values;
  }

  /** @throws ModelFileError if the key is absent or has another type */
  string(key: string): string {
    return this.#need(key, 'text', (value) => (typeof value === 'string' ? value : undefined));
  }

  number(key: string): number {
    return this.#need(key, 'a number', (value) => (typeof value === 'number' ? value : undefined));
  }

  /** A whole number within its bounds. Corrupt files may contain absurd sizes. */
  size(key: string, max: number): number {
    const value = this.number(key);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new ModelFileError(`${key} is ${value}, not a whole number from 1 to ${max}`);
  }

  boolean(key: string): boolean {
    return this.#need(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  strings(key: string): string[] {
    return this.#need(key, 'a list of texts', (value) => (isListOf(value, 'string') ? value : undefined));
  }

  numbers(key: string): number[] {
    return this.#need(key, 'a list of numbers', (value) => (isListOf(value, 'number') ? value : undefined));
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  #need<Value>(key: string, kind: string, read: (value: MetadataValue | undefined) => Value | undefined): Value {
    const value = read(this.values.get(key));
    if (value === undefined) throw new ModelFileError(`the GGUF header's ${key} is missing or not ${kind}`);
    return value;
  }
}

function isListOf<Kind extends 'string' | 'number'>(
  value: MetadataValue | undefined,
  kind: Kind,
): value is (Kind extends 'string' ? string : number)[] {
  return Array.isArray(value) && value.every((item) => typeof item === kind);
}

export interface GgufTensor {
  name: string;
  /** As stored: innermost dimension first, so a matrix of N rows and K columns is [K, N]. */
  shape: readonly number[];
  type: number;
  /** Bytes from the start of the file. */
  offset: number;
}

/** An open GGUF file. Its header is checked against the file's size, and its tensors are read piece by piece. */
export class GgufFile implements AsyncDisposable {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly #handle: FileHandle;

  private constructor(metadata: GgufMetadata, tensors: Map<string, GgufTensor>, handle: FileHandle) {
    this.metadata = metadata;
    this.tensors = tensors;
    this.#handle = handle;
  }

  /** @throws ModelFileError */
  static async open(path: string): Promise<GgufFile> {
    const { metadata, tensors } = await readHeader(path);
    return new GgufFile(metadata, tensors, await open(path, 'r'));
  }

  tensor(name: string): GgufTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new ModelFileError(`the GGUF file has no tensor ${name}`);
    return tensor;
  }

  /** Rows [from, to) of a matrix (or a vector as one row), as floats. */
  rows(tensor: GgufTensor, from: number, to: number): Promise<Float32Array> {
    return readRows(this.#handle, { ...tensor, columns: tensor.shape[0] ?? 0 }, from, to);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** Reads only the header, for the tokenizer and the chat template. @throws ModelFileError */
export async function readGgufMetadata(path: string): Promise<GgufMetadata> {
  return (await readHeader(path)).metadata;
}

async function readHeader(path: string): Promise<{ metadata: GgufMetadata; tensors: Map<string, GgufTensor> }> {
  const { size } = await stat(path);
  const header = await parse(path, size);
  const start = Number(header.tensorDataOffset);
  const values = new Map(Object.entries(header.metadata).map(([key, value]) => [key, plain(value)] as const));
  checkUndivided(new GgufMetadata(values));
  const tensors = header.tensorInfos.map((info) => ({
    name: info.name,
    shape: info.shape.map(Number),
    type: info.dtype,
    offset: start + Number(info.offset),
  }));
  for (const tensor of tensors) checkWithin(tensor, size);
  return { metadata: new GgufMetadata(values), tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

function checkUndivided(metadata: GgufMetadata): void {
  const parts = metadata.has(SPLIT_COUNT) ? metadata.number(SPLIT_COUNT) : 1;
  if (parts <= 1) return;
  const part = metadata.has('split.no') ? `part ${metadata.number('split.no') + 1}` : 'one';
  throw new ModelFileError(
    `the file is ${part} of the ${parts} that a model was split into: merge them into one with llama.cpp’s "llama-gguf-split --merge"`,
  );
}

async function parse(path: string, size: number) {
  if (size < 24) throw new ModelFileError(`not a GGUF file: ${size} bytes are less than a header`);
  try {
    return await gguf(path, { allowLocalFile: true });
  } catch (error) {
    throw new ModelFileError(`not a readable GGUF file: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function checkWithin({ name, shape, type, offset }: GgufTensor, size: number): void {
  const elements = shape.reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(elements) || elements < 1)
    throw new ModelFileError(`${name} has the impossible shape [${shape.join(', ')}]`);
  const end = offset + encodedBytes(type, elements, name);
  if (end > size) throw new ModelFileError(`the file is truncated: ${name} ends at byte ${end}, the file at ${size}`);
}

function plain(value: unknown): MetadataValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  return value as MetadataValue;
}
