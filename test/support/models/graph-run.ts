import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelShape } from '../../../src/ml/compile/compile.ts';
import { compileInto } from '../../../src/ml/compile/compile-model.ts';
import type { Fineness, GraphTarget } from '../../../src/ml/compile/graph-target.ts';
import { Binding, Session } from '../../../src/ml/ort/session.ts';
import { Tensor } from '../../../src/ml/ort/tensor.ts';
import { temporaryFolder } from '../folder.ts';

/** Products of integers, smoothed by activations of every size. */
export function integers(fine: Fineness): GraphTarget {
  const activations = new Map(
    Array.from({ length: 4 }, (_, layer) =>
      ['attn', 'ffn'].map((part) => [`blk.${layer}.${part}_norm.weight`, sizes] as const),
    ).flat(),
  );
  return { device: 'cpu', weights: 'int8', integers: { fine, activations } };
}

const sizes = Float32Array.from({ length: 256 }, (_, i) => 1 + (i % 7));

/** Compiles into a folder of its own, without the worker, whose start takes longer than the work. */
export async function compileTiny(source: string, target: GraphTarget = { device: 'cpu', weights: 'int8' }) {
  const final = join(await temporaryFolder(), 'compiled');
  const shape = await compileInto({ source, target, folders: { temporary: `${final}.tmp`, final } }, () => undefined);
  const graphPath = shape.exported ? join(source, shape.exported.file) : join(final, 'decoder.onnx');
  return { graphPath, shape };
}

/** The logits after the last of `ids`, by one run of the compiled graph alone. */
export async function graphLogits(graphPath: string, ids: readonly number[]): Promise<Float32Array> {
  const shape = JSON.parse(await readFile(join(dirname(graphPath), 'shape.json'), 'utf8')) as ModelShape;
  const { layers, kvHeads, headDim, vocabulary, cacheType } = shape;
  const cache = Array.from({ length: 2 * layers }, () => {
    const size = kvHeads * ids.length * headDim;
    const data = cacheType === 'float16' ? new Uint16Array(size) : new Float32Array(size);
    return new Tensor(data, [1, kvHeads, ids.length, headDim]);
  });
  const named = (prefix: string) =>
    Object.fromEntries(cache.map((tensor, i) => [`${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`, tensor]));
  const logits = new Tensor(new Float32Array(vocabulary), [1, vocabulary]);
  const inputs = {
    input_ids: new Tensor(BigInt64Array.from(ids, BigInt), [1, ids.length]),
    seqlens_k: new Tensor(Int32Array.of(ids.length - 1), [1]),
    total_sequence_length: new Tensor(Int32Array.of(ids.length), []),
    ...named('past_key_values'),
  };
  using session = await Session.open(graphPath, { threads: 1 });
  using binding = new Binding(session, inputs, { logits, ...named('present') });
  await binding.run();
  for (const tensor of [...Object.values(inputs), logits]) tensor[Symbol.dispose]();
  return logits.data;
}
