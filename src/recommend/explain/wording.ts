import type { FeedbackKind } from '../../listeners/listeners.ts';
import { emptyVector, valueAt } from '../math/sparse.ts';
import { wantedWords } from '../model/request-words.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Claim, HistorySource } from './claims.ts';

/** How reasons are worded in one language. Clauses have no full stop and begin in lower case. */
export interface Wording {
  clause(claim: Claim, index: number, snapshot: Snapshot): string;
  /** What the listener did with these tracks. */
  deed(deed: Deed, tracks: string): string;
  track(title: string, artist: string): string;
  list(items: readonly string[]): string;
  because(clauses: readonly string[]): string;
  although(sentence: string, clause: string): string;
  sentence(clause: string): string;
  nothing: string;
}

export type Deed = FeedbackKind | 'PLAY_OFTEN';
export type Stated = Extract<Claim, { form: 'stated' }>;
export type AboutAudience = Extract<Claim, { ofAllTime: boolean }>;

const OFTEN = 8;
export const deedOf = ({ feedback, plays }: HistorySource): Deed =>
  feedback === 'PLAY' && plays >= OFTEN ? 'PLAY_OFTEN' : feedback;

export const tracksNamed = (sources: readonly { trackId: number }[], snapshot: Snapshot, wording: Wording): string =>
  wording.list(sources.map(({ trackId }) => trackName(trackId, snapshot, wording)));

export function trackName(trackId: number, { tracks, indexOf, artistNames }: Snapshot, wording: Wording): string {
  const track = tracks[indexOf.get(trackId) ?? -1];
  if (!track) return '';
  return wording.track(track.title, wording.list(track.artistIds.map((id) => artistNames.get(id) ?? track.artist)));
}

/** The words of a text that describe this track. The others contribute nothing to it. */
export function matchedWords(text: string, index: number, { byWord }: Snapshot): string[] {
  const matched = wantedWords(text).filter(({ word }) => valueAt(byWord.get(word) ?? emptyVector, index) > 0);
  return matched.map(({ written }) => written);
}

export function inOneList(items: readonly string[], between: string, last: string): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(between)}${last}${items.at(-1) ?? ''}`;
}
