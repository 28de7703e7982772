import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toFloat16 } from '../compile/checkpoint/floats.ts';

export interface NamedTensor {
  dims: readonly number[];
  data: Float32Array;
}

interface SafetensorsOptions {
  /** Free texts by name. */
  metadata?: Readonly<Record<string, string>>;
  /** How numbers are stored; `F32` by default. */
  type?: 'F32' | 'F16';
}

/**
 * Writes a safetensors file: eight bytes of length, JSON, and the tensors one after the other. The file appears under
 * its name when it is complete and on disk, in place of an earlier one.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  { metadata = {}, type = 'F32' }: SafetensorsOptions = {},
): Promise<void> {
  const temporary = `${path}.partial`;
  try {
    await write(temporary, tensors, metadata, type);
    await rename(temporary, path);
    await syncFolderOf(path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function write(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>>,
  type: 'F32' | 'F16',
): Promise<void> {
  let end = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const [name, { dims, data }] of tensors) {
    const from = end;
    end += data.length * (type === 'F32' ? 4 : 2);
    header[name] = { dtype: type, shape: dims, data_offsets: [from, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await using file = await open(path, 'w');
  for (const bytes of [length, padded]) await file.writeFile(bytes);
  for (const { data } of tensors.values()) {
    const stored = type === 'F32' ? data : toFloat16(data);
    await file.writeFile(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
  }
  await file.sync();
}

async function syncFolderOf(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
}
