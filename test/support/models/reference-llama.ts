import type { TinyTensor } from '../tiny/tiny-gguf.ts';

interface Shape {
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ropeBase: number;
  epsilon: number;
}

/**
 * A Llama forward pass written as plainly as the paper, in 64-bit arithmetic: the oracle of the compiler's tests. Rotation
 * is interleaved, as GGUF's row order wants it.
 * @returns the logits after the last token
 */
export function referenceLogits(tensors: readonly TinyTensor[], tokens: readonly number[], shape: Shape): Float32Array {
  const weights = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const get = (name: string): TinyTensor => {
    const tensor = weights.get(name);
    if (!tensor) throw new Error(`no ${name}`);
    return tensor;
  };
  const times = (name: string, x: number[]): number[] => {
    const {
      data,
      shape: [columns = 0, rows = 0],
    } = get(name);
    return Array.from({ length: rows }, (_, row) =>
      x.reduce((sum, value, i) => sum + value * data[row * columns + i]!, 0),
    );
  };
  const norm = (name: string, x: number[]): number[] => {
    const { data } = get(name);
    const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    return x.map((value, i) => (value / Math.sqrt(mean + shape.epsilon)) * data[i]!);
  };
  const embedding = get('token_embd.weight');
  const width = embedding.shape[0]!;
  let stream = tokens.map((token) => Array.from(embedding.data.subarray(token * width, (token + 1) * width)));

  for (let layer = 0; layer < shape.layers; layer++) {
    const name = (part: string) => `blk.${layer}.${part}.weight`;
    const normed = stream.map((x) => norm(name('attn_norm'), x));
    const queries = normed.map((x, position) => rotate(times(name('attn_q'), x), position, shape));
    const keys = normed.map((x, position) => rotate(times(name('attn_k'), x), position, shape));
    const values = normed.map((x) => times(name('attn_v'), x));
    const attended = queries.map((query, position) => attend(query, keys.slice(0, position + 1), values, shape));
    stream = stream.map((x, i) => add(x, times(name('attn_output'), attended[i] ?? [])));
    stream = stream.map((x) => {
      const input = norm(name('ffn_norm'), x);
      const up = times(name('ffn_up'), input);
      const gated = times(name('ffn_gate'), input).map((gate, i) => (gate / (1 + Math.exp(-gate))) * up[i]!);
      return add(x, times(name('ffn_down'), gated));
    });
  }
  const head = weights.has('output.weight') ? 'output.weight' : 'token_embd.weight';
  return Float32Array.from(times(head, norm('output_norm.weight', stream.at(-1) ?? [])));
}

function add(a: number[], b: number[]): number[] {
  return a.map((value, i) => value + b[i]!);
}

function rotate(x: number[], position: number, { headDim, ropeBase }: Shape): number[] {
  const out = [...x];
  for (let i = 0; i < x.length; i += 2) {
    const angle = position / ropeBase ** ((i % headDim) / headDim);
    const [a, b] = [x[i]!, x[i + 1]!];
    out[i] = a * Math.cos(angle) - b * Math.sin(angle);
    out[i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
  }
  return out;
}

function attend(query: number[], keys: number[][], values: number[][], { heads, kvHeads, headDim }: Shape): number[] {
  return Array.from({ length: heads }, (_, head) => {
    const from = Math.floor(head / (heads / kvHeads)) * headDim;
    const q = query.slice(head * headDim, (head + 1) * headDim);
    const scores = keys.map((key) => q.reduce((sum, value, i) => sum + value * key[from + i]!, 0) / Math.sqrt(headDim));
    const most = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return Array.from({ length: headDim }, (_, i) =>
      weights.reduce((sum, weight, t) => sum + (weight / total) * values[t]![from + i]!, 0),
    );
  }).flat();
}
