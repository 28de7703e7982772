import { type Architecture, effectiveWindow, type LayerKind, LIMITS, type Rotary } from '../architecture.ts';
import { type FamilyName, knownFamily, traitsOf } from '../families.ts';
import { ModelFileError } from '../model-file-error.ts';
import type { GgufFile } from './gguf.ts';

/** Names in `general.architecture`. SmolLM, SmolLM2 and Mistral are named llama. */
const names = [
  ...['llama', 'qwen2', 'qwen3', 'smollm3', 'phi3', 'granite', 'olmo2', 'stablelm', 'gemma2', 'gemma3'],
] as const satisfies readonly FamilyName[];
/** Those of whose query and key heads the converter interleaves the rows, for rotation of neighbours instead of halves. */
const interleaved: readonly FamilyName[] = ['llama', 'smollm3', 'granite'];
/** SmolLM3's step from one layer that is not rotated to the next is not in the file. */
const UNROTATED_EVERY = 4;
/** Gemma's steps from one layer that attends to everything to the next, where the file does not tell them. */
const globalEvery: Partial<Record<FamilyName, number>> = { gemma2: 2, gemma3: 6 };
/** Gemma's largest models, which scale attention by another size than a head's, by their layers. */
const largestLayers: Partial<Record<FamilyName, number>> = { gemma2: 46, gemma3: 62 };
/** What Gemma 2's soft caps are where the file does not tell them. */
const GEMMA2_CAPS = { attention: 50, logits: 30 };

/** Tensors of factors of rotary frequencies: Llama 3's, and LongRoPE's for texts within the context of its training. */
export const ROPE_FACTORS = ['rope_freqs.weight', 'rope_factors_short.weight'];
/** LongRoPE's for longer texts, which are not used. */
export const UNUSED_FACTORS = 'rope_factors_long.weight';

/** @throws ModelFileError if the family is not supported or a size is absent or implausible */
export async function readArchitecture(file: GgufFile): Promise<Architecture> {
  const { metadata } = file;
  const name = knownFamily('general.architecture', metadata.string('general.architecture'), names);
  const keys = new FamilyKeys(file, name);
  const layers = keys.size('block_count', LIMITS.layers);
  const heads = keys.size('attention.head_count', LIMITS.heads);
  const hidden = keys.size('embedding_length', LIMITS.hidden);
  const headDim = keys.size('attention.key_length', LIMITS.hidden, hidden / heads);
  const valueDim = keys.size('attention.value_length', LIMITS.hidden, headDim);
  if (valueDim !== headDim)
    throw new ModelFileError(
      `heads whose keys have ${headDim} elements and whose values ${valueDim} are not supported`,
    );
  const contextTokens = contextOf(keys);
  const traits = traitsOf(name);
  const normKey = traits.normKind === 'layer' ? 'attention.layer_norm_epsilon' : 'attention.layer_norm_rms_epsilon';
  const sizes = { layers, heads, hidden, headDim, rotated: keys.size('rope.dimension_count', LIMITS.hidden, headDim) };
  return {
    ...traits,
    ...sizes,
    architecture: name,
    vocabulary: readVocabulary(file),
    kvHeads: keys.size('attention.head_count_kv', LIMITS.heads, heads),
    contextTokens,
    parameters: countParameters(file),
    feedForward: keys.size('feed_forward_length', LIMITS.feedForward),
    rotaries: await readRotaries(keys, sizes.rotated),
    layerKinds: Array.from({ length: layers }, (_, layer) => kindOf(keys, layer, contextTokens)),
    interleavedHeads: interleaved.includes(name),
    normEpsilon: keys.need(normKey),
    ...readScales(keys, sizes),
    tied: !file.tensors.has('output.weight'),
  };
}

/** Entries whose names begin with the family's. */
class FamilyKeys {
  readonly file: GgufFile;
  readonly family: FamilyName;

  constructor(file: GgufFile, family: FamilyName) {
    this.file = file;
    this.family = family;
  }

  size(key: string, max: number, otherwise?: number): number {
    return otherwise !== undefined && !this.has(key) ? otherwise : this.file.metadata.size(this.#name(key), max);
  }

  /** 0 counts as absent. */
  number(key: string, otherwise: number): number;
  number(key: string, otherwise: number | null): number | null;
  number(key: string, otherwise: number | null): number | null {
    const value = this.has(key) ? this.need(key) : 0;
    return value === 0 ? otherwise : value;
  }

  need(key: string): number {
    return this.file.metadata.number(this.#name(key));
  }

  has(key: string): boolean {
    return this.file.metadata.has(this.#name(key));
  }

  value(key: string) {
    return this.file.metadata.values.get(this.#name(key));
  }

  #name(key: string): string {
    return `${this.family}.${key}`;
  }
}

function readVocabulary(file: GgufFile): number {
  const { metadata } = file;
  const vocabulary = file.tensor('token_embd.weight').shape[1] ?? 0;
  const tokens = metadata.has('tokenizer.ggml.tokens') ? metadata.strings('tokenizer.ggml.tokens').length : 0;
  if (tokens > vocabulary) throw new ModelFileError(`only ${vocabulary} of ${tokens} tokens have an embedding`);
  return vocabulary;
}

/** With LongRoPE, the context of the training: beyond it, the frequencies would have to change within a text. */
function contextOf(keys: FamilyKeys): number {
  const context = keys.size('context_length', LIMITS.context);
  if (!keys.file.tensors.has(UNUSED_FACTORS)) return context;
  return Math.min(context, keys.size('rope.scaling.original_context_length', LIMITS.context));
}

async function readRotaries(keys: FamilyKeys, rotated: number): Promise<Rotary[]> {
  const stored = await storedFactors(keys.file);
  const main = {
    base: keys.number('rope.freq_base', keys.family === 'gemma3' ? 1_000_000 : 10_000),
    factors: stored ?? linearFactors(keys, rotated),
    magnitude: keys.number('rope.scaling.attn_factor', 1),
  };
  if (keys.family !== 'gemma3') return [main];
  // Its local layers are rotated faster, and not scaled.
  return [main, { base: keys.number('rope.freq_base_swa', 10_000), factors: null, magnitude: 1 }];
}

/** As computed by the converter. */
async function storedFactors(file: GgufFile): Promise<number[] | null> {
  const tensor = ROPE_FACTORS.map((name) => file.tensors.get(name)).find((one) => one !== undefined);
  return tensor ? [...(await file.rows(tensor, 0, 1))] : null;
}

/**
 * Linear scaling: all positions are stretched by one factor (Chen et al. 2023). Other schemes would be silently wrong.
 */
function linearFactors(keys: FamilyKeys, rotated: number): number[] | null {
  const scheme = keys.value('rope.scaling.type') ?? 'none';
  if (scheme === 'none') return null;
  if (scheme !== 'linear')
    throw new ModelFileError(`rotary embeddings scaled by ${JSON.stringify(scheme)} are not supported`);
  return new Array<number>(rotated / 2).fill(keys.need('rope.scaling.factor'));
}

function kindOf(keys: FamilyKeys, layer: number, context: number): LayerKind {
  const { family } = keys;
  const isUnrotated = family === 'smollm3' && (layer + 1) % UNROTATED_EVERY === 0;
  const isLocal = isLocalLayer(keys, layer);
  const rotary = isUnrotated ? null : Number(family === 'gemma3' && isLocal);
  const window = isLocal ? keys.number('attention.sliding_window', null) : null;
  return { window: effectiveWindow(window, context), rotary };
}

/** Whether a layer attends only to the window, if there is one. */
function isLocalLayer(keys: FamilyKeys, layer: number): boolean {
  const pattern = keys.value('attention.sliding_window_pattern');
  if (Array.isArray(pattern)) return pattern[layer] === true;
  const step = typeof pattern === 'number' ? pattern : globalEvery[keys.family];
  return step === undefined || (layer + 1) % step !== 0;
}

type Scales = Pick<
  Architecture,
  'embeddingScale' | 'residualScale' | 'logitScale' | 'attentionScale' | 'attentionCap' | 'logitCap'
>;

function readScales(keys: FamilyKeys, sizes: Pick<Architecture, 'layers' | 'heads' | 'hidden' | 'headDim'>): Scales {
  const { family } = keys;
  const isGemma = family === 'gemma2' || family === 'gemma3';
  const isGemma2 = family === 'gemma2';
  return {
    embeddingScale: keys.number('embedding_scale', isGemma ? Math.sqrt(sizes.hidden) : 1),
    residualScale: keys.number('residual_scale', 1),
    // The file tells what the logits are divided by.
    logitScale: 1 / keys.number('logit_scale', 1),
    attentionScale: keys.number('attention.scale', gemmaScale(family, sizes)),
    attentionCap: keys.number('attn_logit_softcapping', isGemma2 ? GEMMA2_CAPS.attention : null),
    logitCap: keys.number('final_logit_softcapping', isGemma2 ? GEMMA2_CAPS.logits : null),
  };
}

function gemmaScale(family: FamilyName, sizes: Pick<Architecture, 'layers' | 'heads' | 'hidden'>): number | null {
  return largestLayers[family] === sizes.layers ? 1 / Math.sqrt(sizes.hidden / sizes.heads) : null;
}

function countParameters(file: GgufFile): number {
  let total = 0;
  for (const { shape } of file.tensors.values()) total += shape.reduce((product, dim) => product * dim, 1);
  return total;
}
