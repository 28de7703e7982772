import type { Architecture, Rotary } from '../checkpoint/architecture.ts';
import { toFloat16 } from '../checkpoint/floats.ts';
import type { DataFile } from '../onnx/data-file.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';

/** Number of positions computed at a time. */
const CHUNK = 4096;

/** The names of a rotary's tables. */
export function rotaryTables(index: number): [string, string] {
  return index === 0 ? ['cos', 'sin'] : [`cos.${index}`, `sin.${index}`];
}

/**
 * Rotary position embeddings (Su et al. 2021): for each kind tables of cosines and sines [contextTokens, rotated / 2].
 * They are in the data file, so that a long context uses only the pages that are read.
 */
export async function addRotaries(
  graph: GraphBuilder,
  { contextTokens, rotated, rotaries }: Architecture,
  data: DataFile,
  element: 'float32' | 'float16',
): Promise<void> {
  const half = rotated / 2;
  const bytes = element === 'float32' ? 4 : 2;
  for (const [index, rotary] of rotaries.entries()) {
    const frequencies = frequenciesOf(rotary, half);
    const [cos, sin] = rotaryTables(index);
    for (const [name, wave] of [[cos, Math.cos] as const, [sin, Math.sin] as const]) {
      const range = data.reserve(contextTokens * half * bytes);
      graph.external(name, element, [contextTokens, half], range);
      for (let from = 0; from < contextTokens; from += CHUNK) {
        const to = Math.min(contextTokens, from + CHUNK);
        const rows = table(from, to, frequencies, (angle) => wave(angle) * rotary.magnitude);
        await data.write(range, from * half * bytes, element === 'float32' ? rows : toFloat16(rows));
      }
    }
  }
}

function frequenciesOf({ base, factors }: Rotary, half: number): number[] {
  return Array.from({ length: half }, (_, i) => 1 / (base ** (i / half) * (factors?.[i] ?? 1)));
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
