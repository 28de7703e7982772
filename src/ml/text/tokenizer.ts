import { Tokenizer as Bpe } from '@huggingface/tokenizers';
import { ModelFileError } from '../compile/compile.ts';
import { bytesOfToken, packTokenBytes, type TokenBytes } from './token-bytes.ts';

/** Control tokens that end an answer whatever the files declare: the usual marks for the end of a turn or text. */
const END_MARKS = ['<|im_end|>', '<|endoftext|>', '<|eot_id|>', '<|end_of_text|>', '<|end|>', '<end_of_turn>', '</s>'];

/** Text ↔ token ids of one model. */
export interface Tokenizer {
  readonly vocab: number;
  readonly bos: { id: number; text: string; add: boolean } | null;
  readonly eosText: string;
  /** Tokens that end an answer. */
  readonly ends: ReadonlySet<number>;
  /** Marks that are not text. They have no bytes. */
  readonly controls: ReadonlyMap<string, number>;
  /** Tokens that penalties do not apply to: the marks, which must stay as likely as the model predicts. */
  readonly exempt: ReadonlySet<number>;
  /** Control tokens that are spelled out in `text` are recognised. */
  encode(text: string): number[];
  readonly tokenBytes: TokenBytes;
  /** The UTF-8 of a token. Characters may be split between tokens. */
  bytesOf(id: number): Uint8Array;
}

/** `text`: in the alphabet of byte-level BPE; `control`: a mark; `added`: a literal text; `unused`: none. */
export type TokenKind = 'text' | 'control' | 'added' | 'unused';

/** The form of a `tokenizer.json`. */
export interface TokenizerJson {
  added_tokens: readonly { id: number; content: string; special: boolean }[];
  [part: string]: unknown;
}

/** A byte-level BPE tokenizer as described by a model's files. */
export interface TokenizerDescription {
  json: TokenizerJson;
  /** In the order of their ids. */
  tokens: readonly { text: string; kind: TokenKind }[];
  bos: { id: number; add: boolean } | null;
  eos: number | null;
  /** Tokens that end an answer, in addition to `eos`. */
  ends: readonly number[];
}

/** @throws ModelFileError if the description contradicts itself */
export function createTokenizer({ json, tokens, bos, eos, ends }: TokenizerDescription): Tokenizer {
  const bpe = buildBpe(json);
  const controls = new Map(tokens.flatMap(({ text, kind }, id) => (kind === 'control' ? [[text, id] as const] : [])));
  const tokenBytes = packTokenBytes(tokens.map(utf8Of));
  const textOf = (id: number | null | undefined) => tokens[id ?? -1]?.text ?? '';
  const usualEnds = END_MARKS.map((mark) => controls.get(mark));
  return {
    vocab: tokens.length,
    bos: bos && { ...bos, text: textOf(bos.id) },
    eosText: textOf(eos),
    ends: new Set([eos, ...ends, ...usualEnds].filter((id) => typeof id === 'number')),
    controls,
    exempt: new Set(controls.values()),
    encode: (text) => (text === '' ? [] : bpe.encode(text, { add_special_tokens: false }).ids),
    tokenBytes,
    bytesOf: (id) => bytesOfToken(tokenBytes, id),
  };
}

/** The concatenated UTF-8 of some tokens. */
export function bytesOfTokens({ bytesOf }: Pick<Tokenizer, 'bytesOf'>, ids: readonly number[]): Uint8Array {
  return Uint8Array.from(ids.flatMap((id) => [...bytesOf(id)]));
}

function buildBpe(json: object) {
  try {
    return new Bpe(json, {});
  } catch (error) {
    throw new ModelFileError(
      `the tokenizer cannot be built: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function utf8Of({ text, kind }: { text: string; kind: TokenKind }): Uint8Array {
  switch (kind) {
    case 'control':
    case 'unused':
      return new Uint8Array(0);
    case 'added':
      return new TextEncoder().encode(text);
    case 'text':
      return Uint8Array.from(text, (character) => byteOfCharacter.get(character) ?? 0x3f);
  }
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
