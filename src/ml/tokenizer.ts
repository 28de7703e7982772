import { Tokenizer as BpeTokenizer } from '@huggingface/tokenizers';
import type { GgufMetadata } from './compile/gguf.ts';
import { preTokenizerOf } from './pre-tokenizers.ts';

/** What we use of the library, whose own declarations do not resolve outside its repository. */
const Bpe = BpeTokenizer as unknown as new (
  tokenizer: object,
  config: object,
) => { encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] } };

/** Token types of GGUF. */
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
/** Control tokens that end an answer whatever the file declares: the usual formats' end of turn and end of text. */
const END_MARKS = ['<|im_end|>', '<|endoftext|>', '<|eot_id|>', '<|end_of_text|>', '<|end|>', '<end_of_turn>', '</s>'];

/** Text ↔ token ids of one model. */
export interface Tokenizer {
  readonly vocab: number;
  readonly bos: { id: number; text: string; add: boolean } | null;
  readonly eosText: string;
  /** Any of these ends an answer. */
  readonly ends: ReadonlySet<number>;
  /** Marks that are no text: they have no bytes. */
  readonly controls: ReadonlyMap<string, number>;
  /** Control tokens spelled out in `text` are recognised. */
  encode(text: string): number[];
  /** The UTF-8 that a token stands for; characters may be split between tokens. */
  bytesOf(id: number): Uint8Array;
}

/**
 * Builds the tokenizer that a GGUF file describes: byte-level BPE (`tokenizer.ggml.model` "gpt2").
 * @throws ModelFileError when the file lacks a part, Error when its kind is not supported
 */
export function createTokenizer(file: GgufMetadata): Tokenizer {
  const kind = file.string('tokenizer.ggml.model');
  if (kind !== 'gpt2') throw new Error(`the model’s tokenizer is "${kind}"; only byte-level BPE ("gpt2") is supported`);
  const tokens = file.strings('tokenizer.ggml.tokens');
  const types = file.numbers('tokenizer.ggml.token_type');
  const bpe = new Bpe(tokenizerJson(file, tokens, types), {});
  const controls = new Map(tokens.flatMap((text, id) => (types[id] === CONTROL ? [[text, id] as const] : [])));
  const bytes = tokens.map((text, id) => bytesOfToken(text, types[id] ?? NORMAL));
  const special = (name: string) => optionalId(file, `tokenizer.ggml.${name}_token_id`);
  const bos = special('bos');
  const usualEnds = END_MARKS.map((mark) => controls.get(mark));
  return {
    vocab: tokens.length,
    bos: bos === undefined ? null : { id: bos, text: tokens[bos] ?? '', add: addsBos(file) },
    eosText: tokens[special('eos') ?? -1] ?? '',
    ends: new Set([special('eos'), special('eot'), ...usualEnds].filter((id) => id !== undefined)),
    controls,
    encode: (text) => (text === '' ? [] : bpe.encode(text, { add_special_tokens: false }).ids),
    bytesOf: (id) => bytes[id] ?? new Uint8Array(0),
  };
}

/** What a `tokenizer.json` of the Hugging Face format would hold. */
function tokenizerJson(file: GgufMetadata, tokens: readonly string[], types: readonly number[]): object {
  const { normalizer, preTokenizer, ignoreMerges } = preTokenizerOf(file.string('tokenizer.ggml.pre'));
  const isAdded = (id: number) => types[id] === CONTROL || types[id] === USER_DEFINED;
  const added = tokens.flatMap((content, id) =>
    isAdded(id) ? [{ id, content, special: types[id] === CONTROL, normalized: false }] : [],
  );
  return {
    added_tokens: added,
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: file.strings('tokenizer.ggml.merges'),
      unk_token: tokens[optionalId(file, 'tokenizer.ggml.unknown_token_id') ?? -1] ?? null,
      ignore_merges: ignoreMerges,
    },
  };
}

function optionalId(file: GgufMetadata, key: string): number | undefined {
  return file.has(key) ? file.number(key) : undefined;
}

function addsBos(file: GgufMetadata): boolean {
  return file.has('tokenizer.ggml.add_bos_token') && file.boolean('tokenizer.ggml.add_bos_token');
}

function bytesOfToken(text: string, type: number): Uint8Array {
  if (type === CONTROL) return new Uint8Array(0);
  if (type === USER_DEFINED) return new TextEncoder().encode(text);
  return Uint8Array.from(text, (character) => byteOfCharacter.get(character) ?? 0x3f);
}

/**
 * GPT-2's alphabet for bytes (Radford et al. 2019): printable Latin-1 characters stand for themselves, the other bytes
 * for the code points from U+0100 on, in order.
 */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(alphabet());

function* alphabet(): Iterable<[string, number]> {
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    yield [String.fromCodePoint(printable ? byte : next++), byte];
  }
}
