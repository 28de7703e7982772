import type { DecoderShape } from './graph/decoder.ts';
import type { NamedTensor } from './write-safetensors.ts';

/** Attention operators take heads of a multiple of this many dimensions. */
const MULTIPLE = 16;

/** How heads are stored: with zeros behind the dimensions of each half, if they are too few. */
export interface StoredHeads {
  headDim: number;
  /** The base of the rotation with which the first dimensions turn as they did in training. */
  ropeBase: number;
}

export function storedHeads({ hidden, heads, ropeBase }: DecoderShape): StoredHeads {
  const trained = hidden / heads;
  const headDim = Math.ceil(trained / MULTIPLE) * MULTIPLE;
  // A dimension turns by base^(−i / half): a longer half needs a larger base.
  return { headDim, ropeBase: ropeBase ** (headDim / trained) };
}

/**
 * A layer's attention matrix with padded heads, which computes the same. Scores are divided by the root of the stored
 * dimension, so queries grow by as much.
 */
export function padHeads(name: string, tensor: NamedTensor, shape: DecoderShape): NamedTensor {
  const { headDim } = storedHeads(shape);
  const trained = shape.hidden / shape.heads;
  if (headDim === trained) return tensor;
  const part = /self_attn\.([qkvo])_proj/.exec(name)?.[1];
  if (part === undefined) return tensor;
  const [height, width] = [shape.heads * headDim, shape.hidden];
  const data = new Float32Array(height * width);
  const factor = part === 'q' ? Math.sqrt(headDim / trained) : 1;
  for (let row = 0; row < shape.hidden; row++) {
    const to = storedRow(row, trained, headDim);
    for (let column = 0; column < width; column++) {
      // The output matrix has the heads in its columns.
      const [from, at] =
        part === 'o' ? [column * width + row, column * height + to] : [row * width + column, to * width + column];
      data[at] = factor * (tensor.data[from] ?? 0);
    }
  }
  return { dims: part === 'o' ? [width, height] : [height, width], data };
}

/** Both halves of a head, which turn together, begin where they are expected. */
function storedRow(row: number, trained: number, headDim: number): number {
  const [head, dimension] = [Math.floor(row / trained), row % trained];
  const half = trained / 2;
  return head * headDim + (dimension < half ? dimension : headDim / 2 + dimension - half);
}
