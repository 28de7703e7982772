import { ModelFileError } from './model-file-error.ts';

/** What a family's decoders have in common, besides their sizes. */
export interface FamilyTraits {
  /** Root mean square without a bias, or LayerNorm with one. */
  normKind: 'rms' | 'layer';
  /** Where attention and feed-forward are normalised: what they read, what they add to the stream, or both. */
  normPlaces: 'before' | 'after' | 'around';
  /** Whether queries and keys are normalised: not, each head by itself, or all together. */
  headNorms: 'none' | 'each' | 'all';
  /** Of the gates. */
  activation: 'silu' | 'gelu';
  /** Whether queries, keys and values are stored as one tensor, and gates and ups as another. */
  isPacked: boolean;
}

const llama: FamilyTraits = {
  ...{ normKind: 'rms', normPlaces: 'before', headNorms: 'none', activation: 'silu', isPacked: false },
};

const families = {
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: { ...llama, headNorms: 'each' },
  smollm3: llama,
  granite: llama,
  phi3: { ...llama, isPacked: true },
  olmo2: { ...llama, normPlaces: 'after', headNorms: 'all' },
  stablelm: { ...llama, normKind: 'layer' },
  gemma2: { ...llama, normPlaces: 'around', activation: 'gelu' },
  gemma3: { ...llama, normPlaces: 'around', activation: 'gelu', headNorms: 'each' },
} as const satisfies Readonly<Record<string, FamilyTraits>>;

export type FamilyName = keyof typeof families;

export function traitsOf(family: FamilyName): FamilyTraits {
  return families[family];
}

/** Families whose layers are mixtures of experts, by the names that do not say so. */
const experts = ['mixtral', 'dbrx', 'gpt_oss', 'gpt-oss', 'deepseek_v2', 'deepseek_v3', 'deepseek2', 'llama4', 'grok'];
/** Families that read pictures too, whose texts a GGUF file has alone. */
const withPictures = ['gemma3', 'mistral3', 'mllama', 'qwen2_vl', 'qwen2_5_vl', 'qwen3_vl'];

/**
 * @param key where the name comes from
 * @throws ModelFileError unless the name is one of these
 */
export function knownFamily<Name extends string>(key: string, name: string, names: readonly Name[]): Name {
  const found = names.find((known) => known === name);
  if (found !== undefined) return found;
  const refused = `${key} is "${name.slice(0, 100)}"`;
  if (experts.includes(name) || /moe(_|$)/.test(name))
    throw new ModelFileError(`${refused}, a mixture of experts: such models are not supported`);
  if (withPictures.includes(name))
    throw new ModelFileError(`${refused}, which also reads pictures: take a GGUF file, which has its text model alone`);
  throw new ModelFileError(`${refused}, which is not supported; supported are ${names.join(', ')}`);
}
