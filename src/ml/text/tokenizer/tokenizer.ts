import { Tokenizer as Bpe } from '@huggingface/tokenizers';
import { ModelFileError } from '../../compile/compile.ts';
import { byteOf, pieceEncoder, type PieceModel, SPACE } from './sentence-piece.ts';
import { bytesOfToken, packTokenBytes, type TokenBytes } from './token-bytes.ts';

/** Control tokens that end an answer whatever the files declare: the usual marks for the end of a turn or text. */
const END_MARKS = ['<|im_end|>', '<|endoftext|>', '<|eot_id|>', '<|end_of_text|>', '<|end|>', '<end_of_turn>', '</s>'];

/** Text ↔ token ids of one model. */
export interface Tokenizer {
  readonly vocab: number;
  /** Whether the first word of an answer has a space before it, as in SentencePiece's vocabularies. */
  readonly leadsWithSpace: boolean;
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

/**
 * `text`: in the alphabet of byte-level BPE, or with SentencePiece's spaces; `byte`: one byte; `control`: a mark; `added`: a
 * literal text; `unused`: none.
 */
export type TokenKind = 'text' | 'byte' | 'control' | 'added' | 'unused';

/** The form of a `tokenizer.json`. */
export interface TokenizerJson {
  added_tokens: readonly { id: number; content: string; special: boolean }[];
  [part: string]: unknown;
}

/** A tokenizer as described by a model's files. */
export interface TokenizerDescription {
  /** For the library that encodes, or what SentencePiece needs to encode. */
  encoder: TokenizerJson | PieceModel;
  /** Whether texts are in the alphabet of byte-level BPE. Otherwise they have SentencePiece's spaces. */
  isByteLevel: boolean;
  /** In the order of their ids. */
  tokens: readonly { text: string; kind: TokenKind }[];
  bos: { id: number; add: boolean } | null;
  eos: number | null;
  /** Tokens that end an answer, in addition to `eos`. */
  ends: readonly number[];
}

/** @throws ModelFileError if the description contradicts itself */
export function createTokenizer(description: TokenizerDescription): Tokenizer {
  const { encoder, isByteLevel, tokens, bos, eos, ends } = description;
  const encode = isPieceModel(encoder) ? buildPieces(encoder, tokens) : buildBpe(encoder);
  const controls = new Map(tokens.flatMap(({ text, kind }, id) => (kind === 'control' ? [[text, id] as const] : [])));
  const tokenBytes = packTokenBytes(tokens.map((token) => utf8Of(token, isByteLevel)));
  const textOf = (id: number | null | undefined) => tokens[id ?? -1]?.text ?? '';
  const usualEnds = END_MARKS.map((mark) => controls.get(mark));
  return {
    vocab: tokens.length,
    leadsWithSpace: !isByteLevel,
    bos: bos && { ...bos, text: textOf(bos.id) },
    eosText: textOf(eos),
    ends: new Set([eos, ...ends, ...usualEnds].filter((id) => typeof id === 'number')),
    controls,
    exempt: new Set(controls.values()),
    encode: (text) => (text === '' ? [] : encode(text)),
    tokenBytes,
    bytesOf: (id) => bytesOfToken(tokenBytes, id),
  };
}

/** The concatenated UTF-8 of some tokens. */
export function bytesOfTokens({ bytesOf }: Pick<Tokenizer, 'bytesOf'>, ids: readonly number[]): Uint8Array {
  return Uint8Array.from(ids.flatMap((id) => [...bytesOf(id)]));
}

export function isPieceModel(encoder: TokenizerDescription['encoder']): encoder is PieceModel {
  return 'kind' in encoder;
}

type Encode = (text: string) => number[];

function buildBpe(json: object): Encode {
  try {
    const bpe = new Bpe(json, {});
    return (text) => bpe.encode(text, { add_special_tokens: false }).ids;
  } catch (error) {
    throw new ModelFileError(
      `the tokenizer cannot be built: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Marks and literal tokens are taken out of a text first; what is between them is divided into pieces. */
function buildPieces(model: PieceModel, tokens: TokenizerDescription['tokens']): Encode {
  const ids = new Map<string, number>();
  const literals = new Map<string, number>();
  const bytes: number[] = [];
  for (const [id, { text, kind }] of tokens.entries()) {
    if (kind === 'text') ids.set(text, id);
    else if (kind === 'byte') bytes[byteOf(text) ?? 0] = id;
    else if (kind !== 'unused' && text !== '') literals.set(spaced(text), id);
  }
  const hasBytes = Array.from({ length: 256 }, (_, byte) => bytes[byte]).every((id) => id !== undefined);
  const encode = pieceEncoder({ ids, bytes: hasBytes ? bytes : null }, model);
  if (literals.size === 0) return encode;
  const longestFirst = [...literals.keys()].sort((one, other) => other.length - one.length);
  const pattern = new RegExp(`(${longestFirst.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`);
  const encodePart = (part: string) => (part === '' ? [] : encode(part));
  return (text) =>
    text.split(pattern).flatMap((part, i) => (i % 2 === 1 ? (literals.get(part) ?? []) : encodePart(part)));
}

function utf8Of({ text, kind }: { text: string; kind: TokenKind }, isByteLevel: boolean): Uint8Array {
  switch (kind) {
    case 'control':
    case 'unused':
      return new Uint8Array(0);
    case 'byte':
      return Uint8Array.of(byteOf(text) ?? 0x3f);
    case 'added':
      return new TextEncoder().encode(isByteLevel ? text : spaced(text));
    case 'text':
      if (!isByteLevel) return new TextEncoder().encode(spaced(text));
      return Uint8Array.from(text, (character) => byteOfCharacter.get(character) ?? 0x3f);
  }
}

/** A piece as it is in a text. Gemma's runs of spaces are literal tokens in this form too. */
function spaced(piece: string): string {
  return piece.replaceAll(SPACE, ' ');
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
