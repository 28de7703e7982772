import { lexAbc } from '../abc/lexer.ts';
import { parseNote, type WrittenPitch } from '../abc/pitch.ts';
import { parseLength, type Ratio } from '../abc/ticks.ts';

/** A model's tokens. */
export interface TokenTable {
  readonly vocab: number;
  /** The UTF-8 of a token; empty for marks. */
  bytesOf(token: number): Uint8Array;
  /** Tokens that end a text. */
  readonly ends: ReadonlySet<number>;
}

export interface NoteSymbol {
  readonly token: number;
  /** Null for a rest. */
  readonly pitch: WrittenPitch | null;
  readonly length: Ratio;
}

/** What a bar may consist of, as tokens of one model. */
export interface Symbols {
  readonly notes: readonly NoteSymbol[];
  readonly noteOf: ReadonlyMap<number, NoteSymbol>;
  /** `~`, `.`, `T` and the like. */
  readonly decorations: ReadonlySet<number>;
  readonly space: number | null;
  readonly tie: number | null;
  readonly triplet: number | null;
  readonly slurOpen: number | null;
  readonly slurClose: number | null;
  readonly graceOpen: number | null;
  readonly graceClose: number | null;
  readonly broken: ReadonlySet<number>;
  /** Any text as tokens: symbols where the model has them, bytes elsewhere. */
  encode(text: string): number[];
}

const DECORATIONS = /^[.~HT]$/;
const known = new WeakMap<TokenTable, Symbols>();

export function symbolsOf(table: TokenTable): Symbols {
  const symbols = known.get(table) ?? classify(table);
  known.set(table, symbols);
  return symbols;
}

function classify(table: TokenTable): Symbols {
  const tokens = tokensByText(table);
  const notes: NoteSymbol[] = [];
  const decorations = new Set<number>();
  for (const [text, token] of tokens) {
    const note = noteIn(text);
    if (note) notes.push({ token, ...note });
    else if (DECORATIONS.test(text)) decorations.add(token);
  }
  const find = (text: string) => tokens.get(text) ?? null;
  return {
    ...{ notes, decorations, noteOf: new Map(notes.map((note) => [note.token, note])) },
    ...{ space: find(' '), tie: find('-'), triplet: find('(3'), slurOpen: find('('), slurClose: find(')') },
    ...{ graceOpen: find('{'), graceClose: find('}') },
    broken: new Set([find('>'), find('<')].filter((token) => token !== null)),
    encode: (text) => encode(text, tokens, table),
  };
}

/** Bytes come first in a vocabulary, so a symbol of one character takes the place of its byte. */
function tokensByText(table: TokenTable): Map<string, number> {
  const utf8 = new TextDecoder();
  const tokens = new Map<string, number>();
  for (let token = 0; token < table.vocab; token++) {
    const bytes = table.bytesOf(token);
    if (bytes.length > 0) tokens.set(utf8.decode(bytes), token);
  }
  return tokens;
}

function noteIn(text: string): Omit<NoteSymbol, 'token'> | null {
  if (/^z[\d/]*$/.test(text)) return { pitch: null, length: parseLength(text.slice(1)) };
  const note = /^[\^_=A-Ga-g]/.test(text) ? parseNote(text) : null;
  return note && { pitch: note.pitch, length: parseLength(note.length) };
}

function encode(text: string, tokens: ReadonlyMap<string, number>, table: TokenTable): number[] {
  const utf8 = new TextEncoder();
  const bytes = new Map<number, number>();
  for (let token = table.vocab - 1; token >= 0; token--) {
    const [byte, ...others] = table.bytesOf(token);
    if (byte !== undefined && others.length === 0) bytes.set(byte, token);
  }
  const spell = (symbol: string) => Array.from(utf8.encode(symbol), (byte) => bytes.get(byte) ?? -1);
  const found = Array.from(lexAbc(text)).flatMap(({ text: symbol }) => tokens.get(symbol) ?? spell(symbol));
  if (found.includes(-1)) throw new Error('the model has no tokens for a text of the plan');
  return found;
}
