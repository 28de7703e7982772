import { checkKeys } from '../gguf-keys.ts';
import { type Architecture, checkConsistent, LIMITS } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { GgufFile, type GgufMetadata } from './gguf.ts';
import { ModelFileError } from './model-file-error.ts';

interface Family {
  /**
   * Whether the converter interleaves the rows of query and key heads, for rotation of neighbours instead of halves.
   */
  interleavedHeads: boolean;
  /** One in this many layers is not rotated. */
  unrotatedEvery?: number;
}

/** By the name in `general.architecture`. SmolLM and SmolLM2 are named llama. SmolLM3's step is not in the file. */
const families: Readonly<Record<string, Family>> = {
  llama: { interleavedHeads: true },
  qwen2: { interleavedHeads: false },
  qwen3: { interleavedHeads: false },
  smollm3: { interleavedHeads: true, unrotatedEvery: 4 },
};

export const ROPE_FACTORS = 'rope_freqs.weight';

/** @throws ModelFileError if the family is not supported or the sizes contradict each other */
export async function openGgufCheckpoint(path: string): Promise<Checkpoint> {
  const file = await GgufFile.open(path);
  try {
    const architecture = await readArchitecture(file);
    checkConsistent(architecture);
    checkKeys(file.metadata, architecture.architecture, architecture);
    return {
      architecture,
      names: new Set([...file.tensors.keys()].filter((name) => name !== ROPE_FACTORS)),
      shapeOf: (name) => file.tensor(name).shape.toReversed(),
      rows: (name, from, to) => file.rows(file.tensor(name), from, to),
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function readArchitecture(file: GgufFile): Promise<Architecture> {
  const { metadata } = file;
  const name = metadata.string('general.architecture');
  const family = Object.hasOwn(families, name) ? families[name] : undefined;
  if (!family) {
    const known = Object.keys(families).join(', ');
    throw new ModelFileError(`the architecture "${name}" is not supported; supported are ${known}`);
  }
  const size = (key: string, max: number, otherwise?: number) =>
    otherwise !== undefined && !metadata.has(`${name}.${key}`) ? otherwise : metadata.size(`${name}.${key}`, max);
  const number = (key: string, otherwise: number) =>
    metadata.has(`${name}.${key}`) ? metadata.number(`${name}.${key}`) : otherwise;
  const layers = size('block_count', LIMITS.layers);
  const heads = size('attention.head_count', LIMITS.heads);
  const hidden = size('embedding_length', LIMITS.hidden);
  const headDim = size('attention.key_length', LIMITS.hidden, hidden / heads);
  refuseOtherSizes({
    'attention.value_length': size('attention.value_length', LIMITS.hidden, headDim),
    'rope.dimension_count': size('rope.dimension_count', LIMITS.hidden, headDim),
    'attention.key_length': headDim,
  });
  const vocabulary = file.tensor('token_embd.weight').shape[1] ?? 0;
  const tokens = metadata.has('tokenizer.ggml.tokens') ? metadata.strings('tokenizer.ggml.tokens').length : 0;
  if (tokens > vocabulary) throw new ModelFileError(`only ${vocabulary} of ${tokens} tokens have an embedding`);
  return {
    architecture: name,
    vocabulary,
    layers,
    heads,
    kvHeads: size('attention.head_count_kv', LIMITS.heads, heads),
    headDim,
    hidden,
    contextTokens: size('context_length', LIMITS.context),
    parameters: countParameters(file),
    feedForward: size('feed_forward_length', LIMITS.feedForward),
    ropeBase: number('rope.freq_base', 10_000),
    ropeFactors: (await storedFactors(file)) ?? linearFactors(metadata, name, headDim),
    unrotatedLayers: every(family.unrotatedEvery, layers),
    interleavedHeads: family.interleavedHeads,
    normEpsilon: metadata.number(`${name}.attention.layer_norm_rms_epsilon`),
    tied: !file.tensors.has('output.weight'),
  };
}

/** The graph rotates whole heads and has keys as long as values. Anything else is refused. */
function refuseOtherSizes(sizes: Readonly<Record<string, number>>): void {
  if (new Set(Object.values(sizes)).size === 1) return;
  const told = Object.entries(sizes).map(([key, value]) => `${key} ${value}`);
  throw new ModelFileError(`heads whose sizes differ are not supported: ${told.join(', ')}`);
}

/** Llama 3's scaling, as computed by the converter. */
async function storedFactors(file: GgufFile): Promise<number[] | null> {
  const tensor = file.tensors.get(ROPE_FACTORS);
  return tensor ? [...(await file.rows(tensor, 0, 1))] : null;
}

/**
 * Linear scaling: all positions are stretched by one factor (Chen et al. 2023). Other schemes would be silently wrong.
 */
function linearFactors(metadata: GgufMetadata, family: string, headDim: number): number[] | null {
  const [type, factor] = [`${family}.rope.scaling.type`, `${family}.rope.scaling.factor`];
  const scheme = metadata.has(type) ? metadata.string(type) : 'none';
  if (scheme === 'none') return null;
  if (scheme !== 'linear') throw new ModelFileError(`rotary embeddings scaled by "${scheme}" are not supported`);
  return new Array<number>(headDim / 2).fill(metadata.number(factor));
}

function every(step: number | undefined, layers: number): number[] {
  if (step === undefined) return [];
  return Array.from({ length: Math.floor(layers / step) }, (_, i) => (i + 1) * step - 1);
}

function countParameters(file: GgufFile): number {
  let total = 0;
  for (const { shape } of file.tensors.values()) total += shape.reduce((product, dim) => product * dim, 1);
  return total;
}
