import { ModelFileError } from '../compile/compile.ts';

/** How a model's text is split into words before BPE, in the terms of the `tokenizer.json` format. */
export interface PreTokenizer {
  normalizer: object | null;
  preTokenizer: object;
  /** A word that is itself a token becomes that token, whatever the merges would produce. */
  ignoreMerges: boolean;
}

const byteLevel = (use_regex: boolean) => ({ type: 'ByteLevel', add_prefix_space: false, use_regex });
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers });

/** Words with their contractions, digits in groups of `digits`, punctuation with the line breaks after it. */
const wordsWithDigits = (digits: string) =>
  `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}` +
  '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const gpt2: PreTokenizer = { normalizer: null, preTokenizer: byteLevel(true), ignoreMerges: false };
const singleDigits: PreTokenizer = { ...gpt2, preTokenizer: sequence(split('\\p{N}'), byteLevel(true)) };
const llama3: PreTokenizer = {
  normalizer: null,
  preTokenizer: sequence(split(wordsWithDigits('\\p{N}{1,3}')), byteLevel(false)),
  ignoreMerges: true,
};
const qwen2: PreTokenizer = {
  normalizer: { type: 'NFC' },
  preTokenizer: sequence(split(wordsWithDigits('\\p{N}')), byteLevel(false)),
  ignoreMerges: false,
};

/** By their names in `tokenizer.ggml.pre`. */
const preTokenizers: Readonly<Record<string, PreTokenizer>> = {
  'gpt-2': gpt2,
  smollm: singleDigits,
  starcoder: singleDigits,
  refact: singleDigits,
  'llama-bpe': llama3,
  /** The converters' name for SmolLM3's, which is Llama 3's. */
  'smaug-bpe': llama3,
  qwen2,
  'deepseek-r1-qwen': qwen2,
};

/** @throws ModelFileError for an unknown kind, because a guess would silently make texts worse */
export function preTokenizerOf(kind: string): PreTokenizer {
  const found = Object.hasOwn(preTokenizers, kind) ? preTokenizers[kind] : undefined;
  if (found) return found;
  const known = Object.keys(preTokenizers).join(', ');
  throw new ModelFileError(`the model’s pre-tokenizer "${kind}" is not supported; supported are ${known}`);
}
