export type HeaderValue = string | number | boolean | string[] | Int32Array | { float: number };

export interface EncodedTensor {
  name: string;
  /** Innermost dimension first, as in the file. */
  shape: readonly number[];
  /** ggml's number of the encoding. */
  type: number;
  bytes: Uint8Array;
}

const ALIGNMENT = 32;
const types = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 };

/** A GGUF file; entries that are undefined are left out. */
export function encodeGguf(header: Record<string, HeaderValue | undefined>, tensors: readonly EncodedTensor[]): Buffer {
  const sizes = tensors.map(({ bytes, ...tensor }) => ({ ...tensor, byteLength: bytes.byteLength }));
  return Buffer.concat([encodeGgufHeader(header, sizes), ...tensors.map(({ bytes }) => padded(bytes))]);
}

/** What comes before the tensors, each of which begins on a multiple of 32 bytes. */
export function encodeGgufHeader(
  header: Record<string, HeaderValue | undefined>,
  tensors: readonly (Omit<EncodedTensor, 'bytes'> & { byteLength: number })[],
): Buffer {
  const entries = Object.entries(header).filter((entry): entry is [string, HeaderValue] => entry[1] !== undefined);
  let offset = 0;
  const infos = tensors.map(({ name, shape, type, byteLength }) => {
    const info = Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]);
    offset = aligned(offset + byteLength);
    return info;
  });
  return padded(
    Buffer.concat([
      Buffer.from('GGUF'),
      u32(3),
      u64(tensors.length),
      u64(entries.length),
      ...entries.map(([key, value]) => Buffer.concat([text(key), encodeValue(value)])),
      ...infos,
    ]),
  );
}

function encodeValue(value: HeaderValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(types.string), text(value)]);
  if (typeof value === 'number') return Buffer.concat([u32(types.uint32), u32(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(types.bool), Buffer.from([Number(value)])]);
  if (value instanceof Int32Array) {
    return Buffer.concat([u32(types.array), u32(types.int32), u64(value.length), Buffer.from(value.buffer)]);
  }
  if (Array.isArray(value))
    return Buffer.concat([u32(types.array), u32(types.string), u64(value.length), ...value.map(text)]);
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value.float);
  return Buffer.concat([u32(types.float32), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}

const aligned = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
}
