import { lexAbc } from './lexer.ts';

/** Marks without a text: what precedes each tune, and what ends it. */
const START = '<start>';
const END = '<end>';
const BYTES = 256;
const FIRST_SYMBOL = 2 + BYTES;

/**
 * Turns ABC into token ids and back, exactly ([ABC2]). Ids in order: the marks for start and end, the 256 bytes, the
 * symbols. A symbol that is not among them is spelled in the bytes of its UTF-8.
 */
export interface AbcTokenizer {
  readonly vocab: number;
  readonly start: number;
  readonly end: number;
  encode(text: string): number[];
  /** A broken sequence of bytes becomes U+FFFD. Marks have no text. */
  decode(tokens: Iterable<number>): string;
  /** The UTF-8 of a token, which is empty for a mark. */
  bytesOf(token: number): Uint8Array;
  /** The symbol that a token stands for. Null for marks, bytes and ids outside the vocabulary. */
  symbolOf(token: number): string | null;
  /** The token of a symbol. Null if the vocabulary lacks it. */
  tokenOf(symbol: string): number | null;
}

/** @param symbols in the order of their ids, as `countSymbols` finds them and a model's files list them */
export function createAbcTokenizer(symbols: readonly string[]): AbcTokenizer {
  const ids = new Map(symbols.map((symbol, i) => [symbol, FIRST_SYMBOL + i]));
  if (ids.size < symbols.length) throw new Error('a vocabulary lists a symbol twice');
  const utf8 = new TextEncoder();
  const bytesOf = (token: number): Uint8Array => {
    if (token >= FIRST_SYMBOL) return utf8.encode(symbols[token - FIRST_SYMBOL] ?? '');
    return token >= 2 ? Uint8Array.of(token - 2) : new Uint8Array(0);
  };
  const spell = (symbol: string) => Array.from(utf8.encode(symbol), (byte) => 2 + byte);
  return {
    vocab: FIRST_SYMBOL + symbols.length,
    start: 0,
    end: 1,
    encode: (text) => Array.from(lexAbc(text)).flatMap(({ text: symbol }) => ids.get(symbol) ?? spell(symbol)),
    decode: (tokens) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(joined(Array.from(tokens, bytesOf))),
    bytesOf,
    symbolOf: (token) => symbols[token - FIRST_SYMBOL] ?? null,
    tokenOf: (symbol) => ids.get(symbol) ?? null,
  };
}

/** The names of all tokens in the order of their ids, as a model's files list them. */
export function tokenNames({ vocab, symbolOf }: Pick<AbcTokenizer, 'vocab' | 'symbolOf'>): string[] {
  const nameOf = (token: number) => symbolOf(token) ?? [START, END][token] ?? `<${(token - 2).toString(16)}>`;
  return Array.from({ length: vocab }, (_, token) => nameOf(token));
}

/**
 * Counts the symbols of some tunes.
 * @returns those that occur at least `least` times, the most frequent first, equally frequent ones in the order of
 *   their code units
 */
export function countSymbols(tunes: Iterable<string>, least = 2): string[] {
  const counts = new Map<string, number>();
  for (const tune of tunes) {
    for (const { text } of lexAbc(tune)) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const kept = [...counts].filter(([, count]) => count >= least);
  return kept.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([symbol]) => symbol);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
