import type { Architecture } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { ModelFileError } from './model-file-error.ts';

/** Rows of a packed tensor. */
interface Rows {
  tensor: string;
  from: number;
  to: number;
  /** Of the whole tensor. */
  total: number;
}

/** The checkpoint of a family with packed tensors as one that has each part as a tensor of its own, like all others. */
export function unpacked(checkpoint: Checkpoint): Checkpoint {
  const { architecture } = checkpoint;
  const parts = new Map<string, Rows>();
  const packed = new Set<string>();
  for (let layer = 0; layer < architecture.layers; layer++)
    for (const [tensor, sizes] of packedTensors(architecture, layer)) {
      packed.add(tensor);
      for (const [name, rows] of rowsOf(tensor, sizes)) parts.set(name, rows);
    }
  const here = [...checkpoint.names].filter((name) => !packed.has(name));
  const apart = [...parts].flatMap(([name, { tensor }]) => (checkpoint.names.has(tensor) ? [name] : []));
  return {
    architecture,
    names: new Set([...here, ...apart]),
    shapeOf: (name) => {
      const part = parts.get(name);
      return part ? shapeOfPart(checkpoint.shapeOf(part.tensor), part) : checkpoint.shapeOf(name);
    },
    rows: (name, from, to) => {
      const part = parts.get(name);
      return part ? checkpoint.rows(part.tensor, part.from + from, part.from + to) : checkpoint.rows(name, from, to);
    },
    [Symbol.asyncDispose]: () => checkpoint[Symbol.asyncDispose](),
  };
}

/** Their parts with the numbers of their rows, in their order. */
function packedTensors({ heads, kvHeads, headDim, feedForward }: Architecture, layer: number) {
  const name = (part: string) => `blk.${layer}.${part}.weight`;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const attention = { [name('attn_q')]: queries, [name('attn_k')]: keys, [name('attn_v')]: keys };
  return [
    [name('attn_qkv'), attention],
    [name('ffn_up'), { [name('ffn_gate')]: feedForward, [name('ffn_up')]: feedForward }],
  ] as const;
}

function rowsOf(tensor: string, sizes: Readonly<Record<string, number>>): [string, Rows][] {
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  let from = 0;
  return Object.entries(sizes).map(([name, size]) => [name, { tensor, from, to: (from += size), total }]);
}

function shapeOfPart(shape: readonly number[], { tensor, from, to, total }: Rows): number[] {
  if (shape.length !== 2 || shape[0] !== total)
    throw new ModelFileError(`${tensor} has the shape [${shape.join(', ')}] instead of ${total} rows`);
  return [to - from, ...shape.slice(1)];
}
