import * as Y from 'yjs';
import { fromBase64, toBase64 } from './base64.ts';
import { RequestError } from './connection.ts';

/** A change of a passage that somebody proposes, until it is decided. */
export interface PendingSuggestion {
  id: string;
  /** When it was proposed. */
  at: Date;
  /** Where the passage is in the text as it is now. Equal for a place. */
  from: number;
  to: number;
  /** The passage as it was proposed for. Empty for a place. */
  passage: string;
  /** What could be in its place. An empty one deletes it. */
  alternatives: readonly string[];
  /** For each alternative, how likely the model that suggests it found its parts. Null for what people suggest. */
  odds: readonly (readonly PartOdds[])[] | null;
}

/** A part of a text, from and to in UTF-16 code units, and the probability that a model gave it. */
export type PartOdds = readonly [from: number, to: number, probability: number];

/** A part of a document's text as the server takes it: it stays where it is while others write. */
export interface EncodedRange {
  start: string;
  end: string;
}

/** Sends an operation when the server has everything that was typed. */
export type Send = <Data>(query: string, variables: Record<string, unknown>) => Promise<Data>;

const RESULT = `__typename ... on Error { message } ... on OverloadedError { retryAfterMs }`;
const SUGGEST = `mutation ($input: SuggestInput!) { result: suggest(input: $input) { ${RESULT} ... on SuggestSuccess { suggestion { id } } } }`;
const ACCEPT = `mutation ($input: AcceptSuggestionInput!) { result: acceptSuggestion(input: $input) { ${RESULT} } }`;
const REJECT = `mutation ($input: RejectSuggestionInput!) { result: rejectSuggestion(input: $input) { ${RESULT} } }`;

interface Answer {
  result: { __typename: string; message?: string; retryAfterMs?: number; suggestion?: { id: string } };
}

/** What is suggested in one document: to be shown, made, accepted and rejected. */
export class Suggestions {
  readonly #doc: Y.Doc;
  readonly #documentId: string;
  readonly #send: Send;

  constructor(doc: Y.Doc, documentId: string, send: Send) {
    this.#doc = doc;
    this.#documentId = documentId;
    this.#send = send;
  }

  /** Those that are pending, the oldest first. One whose passage is deleted is not among them. */
  list(): PendingSuggestion[] {
    // First, because what is in a text has another parent before somebody asks for it as a text.
    this.#doc.getText('text');
    const allowance = { steps: MOST_STEPS };
    const found = [...this.#doc.getMap('suggestions')].flatMap(
      ([id, value]) => pendingOf(this.#doc, id, value, allowance) ?? [],
    );
    return found.sort((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1));
  }

  /** Tells whenever `list` may have others, or others places. @returns stops telling */
  onChange(tell: () => void): () => void {
    const [text, map] = [this.#doc.getText('text'), this.#doc.getMap('suggestions')];
    text.observe(tell);
    map.observe(tell);
    return () => {
      text.unobserve(tell);
      map.unobserve(tell);
    };
  }

  /** Proposes 1–5 texts for a passage. @returns its id @throws RequestError whose code is the type of the result */
  suggest(from: number, to: number, alternatives: readonly string[]): Promise<string> {
    return this.suggestFor(encodedRange(this.#doc, from, to), alternatives);
  }

  /** The same for a passage that was chosen before, and has moved since. */
  async suggestFor(range: EncodedRange, alternatives: readonly string[]): Promise<string> {
    const { suggestion } = await this.#decide(SUGGEST, { range, alternatives });
    return suggestion?.id ?? '';
  }

  /** Puts one of its texts in the place of the passage. @throws as `suggest` */
  async accept(suggestionId: string, choice = 0): Promise<void> {
    await this.#decide(ACCEPT, { suggestionId, choice });
  }

  /** Takes it away; the text stays. @throws as `suggest` */
  async reject(suggestionId: string): Promise<void> {
    await this.#decide(REJECT, { suggestionId });
  }

  async #decide(query: string, about: Record<string, unknown>): Promise<Answer['result']> {
    const { result } = await this.#send<Answer>(query, { input: { documentId: this.#documentId, ...about } });
    const { __typename: code, message = code, retryAfterMs } = result;
    if (!code.endsWith('Success')) throw new RequestError([{ message, extensions: { code, retryAfterMs } }]);
    return result;
  }
}

/** A part of the document's text by positions that move with it. What is typed at its ends is outside. */
export function encodedRange(doc: Y.Doc, from: number, to: number): EncodedRange {
  const text = doc.getText('text');
  const encoded = (index: number, assoc: number): string =>
    toBase64(Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, index, assoc)));
  return { start: encoded(from, from < to ? 0 : -1), end: encoded(to, -1) };
}

/** Steps for all passages of a document, as the server has: an editor can put any number of anything into the map. */
const MOST_STEPS = 200_000;

interface Steps {
  steps: number;
}

/** As it is in the map. Bytes are in Base64. */
interface Stored {
  at: number;
  start: string;
  end: string;
  /** An update that deletes the passage. Null for a place. */
  removal: string | null;
  passage: string;
  alternatives: string[];
  /** Whatever somebody has put there. */
  by?: unknown;
}

/** Null for what is decided, and for what somebody has put there that is no suggestion. */
function pendingOf(doc: Y.Doc, id: string, value: unknown, allowance: Steps): PendingSuggestion | null {
  if (!isStored(value)) return null;
  const { at, start, end, removal, passage, alternatives, by } = value;
  try {
    if (removal !== null && !isAnyLeft(doc, fromBase64(removal), allowance)) return null;
    const from = indexOf(doc, start);
    const to = Math.max(from, indexOf(doc, end));
    return { id, at: new Date(at), from, to, passage, alternatives, odds: oddsOf(by, alternatives) };
  } catch {
    return null;
  }
}

function oddsOf(by: unknown, alternatives: readonly string[]): PartOdds[][] | null {
  const odds: unknown = typeof by === 'object' && by !== null && 'odds' in by ? by.odds : null;
  if (!Array.isArray(odds)) return null;
  const lists: readonly unknown[] = odds;
  return alternatives.map(({ length }, index) => {
    const parts = lists[index];
    return Array.isArray(parts) ? parts.filter((part): part is PartOdds => isPart(part, length)) : [];
  });
}

function isPart(part: unknown, length: number): part is PartOdds {
  if (!Array.isArray(part) || !part.every((number) => typeof number === 'number')) return false;
  const [from = -1, to = -1, probability = -1] = part;
  return from >= 0 && from < to && to <= length && probability >= 0 && probability <= 1;
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const { at, start, end, removal, passage, alternatives } = value as Partial<Record<keyof Stored, unknown>>;
  const given: readonly unknown[] = Array.isArray(alternatives) ? alternatives : [null];
  const texts = [start, end, passage, removal ?? '', ...given];
  return typeof at === 'number' && texts.every((text) => typeof text === 'string');
}

function indexOf(doc: Y.Doc, encoded: string): number {
  const found = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(fromBase64(encoded)), doc);
  if (found?.type !== doc.getText('text')) throw new Error('This is no position in the text');
  return found.index;
}

/** Whether any character is left of what an update deletes. Each is looked at once, however often the update names it. */
function isAnyLeft(doc: Y.Doc, removal: Uint8Array, allowance: Steps): boolean {
  for (const [client, ranges] of Y.decodeUpdate(removal).ds.clients) {
    const structs = doc.store.clients.get(client) ?? [];
    const last = Y.getState(doc.store, client);
    let seen = 0;
    for (const { clock, len } of ranges.toSorted((a, b) => a.clock - b.clock)) {
      const from = Math.max(clock, seen);
      seen = Math.max(seen, clock + len);
      step(allowance);
      for (let i = from < Math.min(seen, last) ? Y.findIndexSS(structs, from) : structs.length; ; i++) {
        const struct = structs[i];
        if (!struct || struct.id.clock >= seen) break;
        if (struct instanceof Y.Item && !struct.deleted && struct.countable) return true;
        step(allowance);
      }
    }
  }
  return false;
}

function step(allowance: Steps): void {
  if (allowance.steps-- <= 0) throw new Error('It takes too long to see what is left of a passage');
}
