import type { FileHandle } from 'node:fs/promises';
import { dequantize, encodedBytes } from './blocks/dequantize.ts';
import { ModelFileError } from './model-file-error.ts';

/** A tensor in a file. */
interface StoredRows {
  name: string;
  /** ggml's number for its encoding. */
  type: number;
  columns: number;
  /** Bytes from the start of the file. */
  offset: number;
}

/** Rows [from, to) as floats. @throws ModelFileError if the file ends before them */
export async function readRows(
  file: FileHandle,
  { name, type, columns, offset }: StoredRows,
  from: number,
  to: number,
): Promise<Float32Array> {
  const rowBytes = encodedBytes(type, columns, name);
  const data = Buffer.alloc((to - from) * rowBytes);
  const { bytesRead } = await file.read(data, 0, data.length, offset + from * rowBytes);
  if (bytesRead !== data.length) throw new ModelFileError(`${name}: the file ends within this tensor`);
  return dequantize(type, data, (to - from) * columns, name);
}
