import * as Y from 'yjs';
import { z } from 'zod';
import { anchoredRange, type EncodedRange, updateOf } from './anchors.ts';
import { openState, type StoredState, textOf } from './document-state.ts';
import { type Inspected, inspectUpdate } from './inspect-update.ts';
import { isAnyLeft, type Steps, writeOnce } from './peer-changes.ts';

/** The name of the shared map in which a document keeps what is suggested. */
const SUGGESTIONS = 'suggestions';
const MOST_PENDING = 200;
/** Steps for all passages of a document: an editor can put any number of anything into the map. */
const MOST_STEPS = 200_000;

/** As it is in the map. Bytes are in Base64. An editor can put anything there, so that it is checked. */
const stored = z.object({
  /** The Yjs client that suggests, and that writes if it is accepted: so nothing is decided twice. */
  client: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  author: z.int().nonnegative(),
  at: z.number().min(0).max(8.64e15),
  start: z.base64(),
  end: z.base64(),
  place: z.base64(),
  removal: z.base64().nullable(),
  passage: z.string(),
  alternatives: z.array(z.string()).min(1),
  /** The model that suggests, with each alternative's seed and how likely it found its parts. Null for people. */
  by: z
    .object({
      model: z.string(),
      seeds: z.array(z.int().nonnegative()),
      odds: z.array(z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.number().min(0).max(1)]))),
    })
    .nullable()
    .default(null)
    .catch(null),
});
type StoredSuggestion = z.output<typeof stored>;

/** Each alternative's parts: from and to, in UTF-16 code units, and the probability that the model gave it. */
export type SuggestingModel = NonNullable<StoredSuggestion['by']>;

/** A change of a passage that somebody proposes, until it is decided. */
export interface PendingSuggestion extends StoredSuggestion {
  id: string;
}

interface Suggested {
  id: string;
  client: number;
  author: number;
  at: number;
  alternatives: readonly string[];
}

export interface NewSuggestion extends Suggested {
  range: EncodedRange;
}

/** A passage that was chosen before, as it is stored. */
export type KeptPassage = Pick<StoredSuggestion, 'start' | 'end' | 'place' | 'removal' | 'passage'>;

/** What a model suggests for a passage that it was asked about before. */
export interface ModelSuggestion extends Suggested {
  kept: KeptPassage;
  by: SuggestingModel;
}

/** Why nothing is added: there are as many as may be, it is there already or was decided, or its passage is deleted. */
export type NotAdded = 'full' | 'known' | 'gone';

/** What is to be appended for a client, from its clock on. */
export interface SuggestionChange {
  client: number;
  from: number;
  update: Uint8Array;
  inspected: Inspected;
}

const mapOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap(SUGGESTIONS);

/** Those that are pending, the oldest first. One whose passage is deleted is withdrawn, and not among them. */
export const suggestionsOf = (state: StoredState): PendingSuggestion[] => pendingIn(openState(state));

function pendingIn(doc: Y.Doc): PendingSuggestion[] {
  // First, because what is in a text has another parent before somebody asks for it as a text.
  textOf(doc);
  const allowance = { steps: MOST_STEPS };
  const found = [...mapOf(doc)].flatMap(([id, value]) => suggestionOf(doc, id, value, allowance) ?? []);
  return found.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).slice(0, MOST_PENDING);
}

function suggestionOf(
  doc: Y.Doc,
  id: string,
  value: unknown,
  allowance: Steps = { steps: MOST_STEPS },
): PendingSuggestion | null {
  const { success, data } = stored.safeParse(value);
  if (!success) return null;
  try {
    return data.removal === null || isAnyLeft(doc, bytesOf(data.removal), allowance) ? { id, ...data } : null;
  } catch {
    return null;
  }
}

/** @throws BadRangeError */
export function addSuggestion(
  state: StoredState,
  { range, ...suggestion }: NewSuggestion,
): SuggestionChange | NotAdded {
  const { place, removal, passage } = anchoredRange(state, range);
  const kept: KeptPassage = {
    ...{ passage, start: toBase64(range.start), end: toBase64(range.end) },
    ...{ place: toBase64(place), removal: removal && toBase64(removal) },
  };
  return addModelSuggestion(state, { ...suggestion, kept, by: null });
}

export function addModelSuggestion(
  state: StoredState,
  { id, kept, alternatives, ...about }: Omit<ModelSuggestion, 'by'> & { by: StoredSuggestion['by'] },
): SuggestionChange | NotAdded {
  const doc = openState(state);
  if (mapOf(doc).has(id)) return 'known';
  if (pendingIn(doc).length >= MOST_PENDING) return 'full';
  const value: StoredSuggestion = { ...about, ...kept, alternatives: [...alternatives] };
  if (!suggestionOf(doc, id, value)) return 'gone';
  return changeBy(doc, about.client, () => mapOf(doc).set(id, value)) ?? 'known';
}

/**
 * Accepts one of its alternatives, or rejects it (null): the passage goes, without what others have typed into it, and
 * the alternative comes in its place, as one transaction. Null if there is no such suggestion any more.
 */
export function decide(state: StoredState, id: string, choice: number | null): SuggestionChange | 'choice' | null {
  const doc = openState(state);
  const found = suggestionOf(doc, id, mapOf(doc).get(id));
  if (!found) return null;
  const text = choice === null ? null : found.alternatives[choice];
  if (text === undefined) return 'choice';
  return changeBy(doc, found.client, () => {
    if (text !== null)
      writeOnce(doc, {
        text,
        place: bytesOf(found.place),
        removal: found.removal === null ? null : bytesOf(found.removal),
      });
    // A value, unlike a deletion, has a clock, by which a second decision is known.
    mapOf(doc).set(id, null);
  });
}

function changeBy(doc: Y.Doc, client: number, act: () => void): SuggestionChange | null {
  const from = Y.getState(doc.store, client);
  doc.clientID = client;
  const made = updateOf(doc, act);
  if (!made) return null;
  const update = new Uint8Array(made);
  return { client, from, update, inspected: inspectUpdate(update) };
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
