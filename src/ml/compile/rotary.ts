import type { Architecture } from './checkpoint/architecture.ts';
import { toFloat16 } from './checkpoint/floats.ts';
import type { DataFile } from './onnx/data-file.ts';
import type { GraphBuilder } from './onnx/graph-builder.ts';

/** Number of positions computed at a time. */
const CHUNK = 4096;

/**
 * Rotary position embeddings (Su et al. 2021): the tables cos and sin [contextTokens, head_dim / 2]. They are in the
 * data file, so that a long context uses only the pages that are read.
 */
export async function addRotary(
  graph: GraphBuilder,
  { contextTokens, headDim, ropeBase, ropeFactors }: Architecture,
  data: DataFile,
  element: 'float32' | 'float16',
): Promise<void> {
  const half = headDim / 2;
  const bytes = element === 'float32' ? 4 : 2;
  const frequencies = Array.from({ length: half }, (_, i) => 1 / (ropeBase ** (i / half) * (ropeFactors?.[i] ?? 1)));
  for (const [name, wave] of [['cos', Math.cos] as const, ['sin', Math.sin] as const]) {
    const range = data.reserve(contextTokens * half * bytes);
    graph.external(name, element, [contextTokens, half], range);
    for (let from = 0; from < contextTokens; from += CHUNK) {
      const rows = table(from, Math.min(contextTokens, from + CHUNK), frequencies, wave);
      await data.write(range, from * half * bytes, element === 'float32' ? rows : toFloat16(rows));
    }
  }
}

function table(from: number, to: number, frequencies: readonly number[], wave: (angle: number) => number) {
  const half = frequencies.length;
  const rows = new Float32Array((to - from) * half);
  for (let position = from; position < to; position++) {
    const row = (position - from) * half;
    frequencies.forEach((frequency, i) => (rows[row + i] = wave(position * frequency)));
  }
  return rows;
}
