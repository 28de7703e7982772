import { basename } from 'node:path';
import type { ModelShape } from './checkpoint/architecture.ts';
import { GgufFile } from './checkpoint/gguf/gguf.ts';
import { ROPE_FACTORS } from './checkpoint/gguf/gguf-architecture.ts';
import { findGguf, partName } from './checkpoint/gguf/gguf-parts.ts';
import { openCheckpoint } from './checkpoint/open-checkpoint.ts';

/** What a checkpoint is, by its headers. Its weights need not be there. @throws ModelFileError */
export async function readShape(path: string): Promise<ModelShape> {
  await using checkpoint = await openCheckpoint(path);
  return { ...checkpoint.architecture, cacheType: 'float32', exported: null };
}

/** Bytes beyond the headers that `readShape` reads. */
export interface Needed {
  /** The file's name. */
  name: string;
  range: readonly [number, number];
}

/** @throws ModelFileError */
export async function shapeNeeds(path: string): Promise<Needed[]> {
  const gguf = await findGguf(path);
  if (gguf === null) return [];
  await using file = await GgufFile.open(gguf);
  const factors = ROPE_FACTORS.map((name) => file.tensors.get(name)).find((tensor) => tensor !== undefined);
  if (!factors) return [];
  const bytes = factors.shape.reduce((product, size) => product * size, 4);
  return [{ name: partName(basename(gguf), factors.part), range: [factors.offset, factors.offset + bytes] }];
}
