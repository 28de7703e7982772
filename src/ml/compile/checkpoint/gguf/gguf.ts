import { type FileHandle, open, stat } from 'node:fs/promises';
import { gguf } from '@huggingface/gguf';
import { encodedBytes } from '../blocks/dequantize.ts';
import { ModelFileError } from '../model-file-error.ts';
import { readRows } from '../stored-rows.ts';
import { otherParts } from './gguf-parts.ts';

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
  /** Which of the model's files it is in. */
  part: number;
}

/**
 * An open GGUF file, or the several that a model was split into. Headers are checked against the files' sizes, and tensors
 * are read piece by piece.
 */
export class GgufFile implements AsyncDisposable {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly #handles: readonly FileHandle[];

  private constructor({ metadata, tensors }: Header, handles: readonly FileHandle[]) {
    this.metadata = metadata;
    this.tensors = tensors;
    this.#handles = handles;
  }

  /** @param path the file, or the first of several @throws ModelFileError */
  static async open(path: string): Promise<GgufFile> {
    const first = await readHeader(path);
    const others = await otherParts(path, splitOf(first.metadata));
    const header = await joinHeaders(first, others);
    const handles: FileHandle[] = [];
    try {
      for (const one of [path, ...others]) handles.push(await open(one, 'r'));
      return new GgufFile(header, handles);
    } catch (error) {
      for (const handle of handles) await handle.close();
      throw error;
    }
  }

  tensor(name: string): GgufTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new ModelFileError(`the GGUF file has no tensor ${name}`);
    return tensor;
  }

  /** Rows [from, to) of a matrix (or a vector as one row), as floats. */
  rows(tensor: GgufTensor, from: number, to: number): Promise<Float32Array> {
    const handle = this.#handles[tensor.part];
    if (!handle) throw new ModelFileError(`the file with ${tensor.name} is not open`);
    return readRows(handle, { ...tensor, columns: tensor.shape[0] ?? 0 }, from, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of this.#handles) await handle.close();
  }
}

/** Reads only the header, for the tokenizer and the chat template. @throws ModelFileError also if a part is missing */
export async function readGgufMetadata(path: string): Promise<GgufMetadata> {
  const { metadata } = await readHeader(path);
  await otherParts(path, splitOf(metadata));
  return metadata;
}

interface Header {
  metadata: GgufMetadata;
  tensors: ReadonlyMap<string, GgufTensor>;
}

/** The first file's metadata, and the tensors of all. */
async function joinHeaders(first: Header, others: readonly string[]): Promise<Header> {
  const headers = [first];
  for (const path of others) headers.push(await readHeader(path, headers.length));
  for (const [part, { metadata }] of headers.entries()) {
    const { no, count } = splitOf(metadata);
    if (headers.length > 1 && (no !== part || count !== headers.length))
      throw new ModelFileError(`file ${part + 1} of ${headers.length} says that it is ${no + 1} of ${count}`);
  }
  const tensors = headers.flatMap((header) => [...header.tensors]);
  if (new Map(tensors).size !== tensors.length) throw new ModelFileError('two of the files have the same tensor');
  return { metadata: first.metadata, tensors: new Map(tensors) };
}

async function readHeader(path: string, part = 0): Promise<Header> {
  const { size } = await stat(path);
  const header = await parse(path, size);
  const start = Number(header.tensorDataOffset);
  const values = new Map(Object.entries(header.metadata).map(([key, value]) => [key, plain(value)] as const));
  const tensors = header.tensorInfos.map((info) => ({
    name: info.name,
    shape: info.shape.map(Number),
    type: info.dtype,
    offset: start + Number(info.offset),
    part,
  }));
  for (const tensor of tensors) checkWithin(tensor, size);
  return { metadata: new GgufMetadata(values), tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

/** Which file of a model it is, from 0 on, and how many there are. */
function splitOf(metadata: GgufMetadata): { no: number; count: number } {
  const number = (key: string, otherwise: number) => (metadata.has(key) ? metadata.number(key) : otherwise);
  return { no: number('split.no', 0), count: number('split.count', 1) };
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
