import { type AdamWSettings, addAdamW, type Parameter } from './adamw.ts';
import { attention, type AttentionInputs, causalMask } from './attention.ts';
import { addCrossEntropy, crossEntropyGradient } from './cross-entropy.ts';
import type { ValueName } from './emitter.ts';
import { add, type Dropout, dropout, embed, linear, rmsNorm, swiGlu } from './layers.ts';
import { Tape } from './tape.ts';

/** A Llama-type decoder whose head is its embedding, as `compileModel` compiles it. */
export interface DecoderShape {
  vocabulary: number;
  hidden: number;
  layers: number;
  heads: number;
  feedForward: number;
  /** Longest sequence, in tokens. */
  contextTokens: number;
  ropeBase: number;
  normEpsilon: number;
}

/** Names of a layer's matrices, as in Hugging Face's checkpoints. */
const EMBEDDING = 'model.embed_tokens.weight';
const part = (layer: number, name: string) => `model.layers.${layer}.${name}.weight`;

/** All matrices, in the order of their use. Those that add to the residual stream begin smaller, the more layers there are. */
export function decoderParameters({ vocabulary, hidden, layers, feedForward }: DecoderShape): Parameter[] {
  const deviation = 0.04 * Math.sqrt(192 / hidden);
  const added = deviation / Math.sqrt(2 * layers);
  const square = (name: string, spread: number) => ({ name, dims: [hidden, hidden], deviation: spread });
  const ofLayer = (layer: number): Parameter[] => [
    square(part(layer, 'self_attn.q_proj'), deviation),
    square(part(layer, 'self_attn.k_proj'), deviation),
    square(part(layer, 'self_attn.v_proj'), deviation),
    square(part(layer, 'self_attn.o_proj'), added),
    { name: part(layer, 'mlp.gate_proj'), dims: [feedForward, hidden], deviation },
    { name: part(layer, 'mlp.up_proj'), dims: [feedForward, hidden], deviation },
    { name: part(layer, 'mlp.down_proj'), dims: [hidden, feedForward], deviation: added },
  ];
  const embedding = { name: EMBEDDING, dims: [vocabulary, hidden], deviation: 0.05 };
  return [embedding, ...Array.from({ length: layers }, (_, layer) => ofLayer(layer)).flat()];
}

/** Inputs of one batch, each [rows, length]; `weights` are floats, the others int64. */
export const BATCH_INPUTS = ['tokens', 'targets', 'positions', 'segments', 'weights'] as const;

export interface DropoutNoise {
  /** Rows of factors that average 1 // [count, hidden] */
  factors: Float32Array;
  count: number;
}

/** How often a decoder drops out: behind the embedding and behind each half of a layer. */
export const dropoutPlaces = ({ layers }: Pick<DecoderShape, 'layers'>): number => 1 + 2 * layers;

/** The graph that measures: from parameters and a batch to `loss`. */
export function buildEvaluationGraph(shape: DecoderShape): Buffer {
  const tape = new Tape();
  for (const { name, dims } of decoderParameters(shape)) tape.graph.input({ name, type: 'float32', dims });
  addLoss(tape, shape, declareBatch(tape), null);
  return tape.graph.encode();
}

/**
 * One step of training: the decoder forwards, its cross-entropy, backwards, and AdamW.
 * inputs: the batch; `dropout_rows` [places, rows · length]; those of `addAdamW`
 * outputs: `loss` and those of `addAdamW`
 */
export function buildTrainingGraph(shape: DecoderShape, settings: AdamWSettings, noise: DropoutNoise | null): Buffer {
  const tape = new Tape();
  const batch = declareBatch(tape);
  const { logits, logShares } = addLoss(tape, shape, batch, noise && declareDropout(tape, shape, noise));
  tape.backpropagate(logits, crossEntropyGradient(tape, logShares, { ...batch, classes: shape.vocabulary }));
  addAdamW(tape, decoderParameters(shape), settings);
  return tape.graph.encode();
}

type Batch = Record<(typeof BATCH_INPUTS)[number], ValueName> & { grid: ValueName };

/** @returns the inputs, flattened except for what attention reads */
function declareBatch(tape: Tape): Batch {
  for (const name of BATCH_INPUTS)
    tape.graph.input({ name, type: name === 'weights' ? 'float32' : 'int64', dims: ['rows', 'length'] });
  const flat = (name: string) => tape.op('Reshape', [name, tape.ints(-1)]);
  return {
    ...{ tokens: flat('tokens'), targets: flat('targets'), weights: flat('weights') },
    ...{ positions: 'positions', segments: 'segments', grid: tape.op('Shape', ['tokens']) },
  };
}

function declareDropout(tape: Tape, { hidden }: DecoderShape, { factors, count }: DropoutNoise): Dropout {
  tape.graph.input({ name: 'dropout_rows', type: 'int64', dims: ['places', 'positions'] });
  return { noise: tape.constant('float32', [count, hidden], factors), rows: 'dropout_rows' };
}

function addLoss(tape: Tape, shape: DecoderShape, batch: Batch, noise: Dropout | null) {
  const { vocabulary, hidden, layers, normEpsilon } = shape;
  const drop = (x: ValueName, place: number) => (noise ? dropout(tape, x, noise, place) : x);
  const inputs = attentionInputs(tape, shape, batch);
  const norm = (x: ValueName) => rmsNorm(tape, x, { width: hidden, epsilon: normEpsilon });
  let stream = drop(embed(tape, batch.tokens, EMBEDDING, vocabulary), 0);
  for (let layer = 0; layer < layers; layer++) {
    const project = (x: ValueName, name: string) => linear(tape, x, part(layer, name));
    const a = norm(stream);
    const [q, k, v] = [project(a, 'self_attn.q_proj'), project(a, 'self_attn.k_proj'), project(a, 'self_attn.v_proj')];
    const attended = attention(tape, [q, k, v], inputs, { width: hidden, headDim: hidden / shape.heads });
    stream = add(tape, stream, drop(project(attended, 'self_attn.o_proj'), 1 + 2 * layer));
    const b = norm(stream);
    const gated = swiGlu(tape, project(b, 'mlp.gate_proj'), project(b, 'mlp.up_proj'));
    stream = add(tape, stream, drop(project(gated, 'mlp.down_proj'), 2 + 2 * layer));
  }
  const logits = linear(tape, norm(stream), EMBEDDING);
  return { logits, logShares: addCrossEntropy(tape, logits, { ...batch, classes: vocabulary }) };
}

function attentionInputs(tape: Tape, shape: DecoderShape, { positions, segments, grid }: Batch): AttentionInputs {
  const { hidden, heads } = shape;
  const dims = (...last: number[]) => tape.op('Concat', [grid, tape.ints(...last)], { axis: 0 });
  return {
    ...{ shape: dims(heads, hidden / heads), packed: dims(hidden), positions, mask: causalMask(tape, segments) },
    rotation: rotationTables(tape, shape),
  };
}

function rotationTables(tape: Tape, { hidden, heads, contextTokens, ropeBase }: DecoderShape) {
  const half = hidden / heads / 2;
  const table = (wave: (angle: number) => number) =>
    tape.constant(
      'float32',
      [contextTokens, half],
      Float32Array.from({ length: contextTokens * half }, (_, i) =>
        wave(Math.floor(i / half) / ropeBase ** ((i % half) / half)),
      ),
    );
  return { cos: table(Math.cos), sin: table(Math.sin), negativeSin: table((angle) => -Math.sin(angle)) };
}
