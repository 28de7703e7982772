import { ModelFileError } from '../../compile/compile.ts';

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

const contraction = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
/** Letters that may begin a word, and those that may go on with it: a capital begins another. */
const [capitals, smalls] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'];

/** Words that end before a capital, with `ending`, digits in groups of `digits`, punctuation with what follows it. */
const wordsByCase = (ending: string, digits: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${capitals}*${smalls}+${ending}|[^\\r\\n\\p{L}\\p{N}]?${capitals}+${smalls}*${ending}|${digits}` +
  '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** Words with their contractions, digits in groups of `digits`, punctuation with the line breaks after it. */
const wordsWithDigits = (digits: string) =>
  `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}` +
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

const byCase = (ending: string, digits: string, ignoreMerges: boolean): PreTokenizer => ({
  normalizer: null,
  preTokenizer: sequence(split(wordsByCase(ending, digits)), byteLevel(false)),
  ignoreMerges,
});

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
  stablelm2: { ...qwen2, normalizer: null },
  olmo: gpt2,
  /** Of Phi-4 and OLMo 2. */
  dbrx: { ...llama3, ignoreMerges: false },
  /** Of Phi-4 mini. */
  'gpt-4o': byCase(`${contraction}?`, '\\p{N}{1,3}', false),
  /** Of Mistral Nemo and the later Mistral Small. */
  tekken: byCase('', '\\p{N}', true),
};

/** @throws ModelFileError for an unknown kind, because a guess would silently make texts worse */
export function preTokenizerOf(kind: string): PreTokenizer {
  const found = Object.hasOwn(preTokenizers, kind) ? preTokenizers[kind] : undefined;
  if (found) return found;
  const known = Object.keys(preTokenizers).join(', ');
  throw new ModelFileError(`the model’s pre-tokenizer "${kind}" is not supported; supported are ${known}`);
}
