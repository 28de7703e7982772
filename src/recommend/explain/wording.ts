import type { FeedbackKind } from '../../listeners/listeners.ts';
import { emptyVector, valueAt } from '../math/sparse.ts';
import type { Feel } from '../model/descriptions.ts';
import { wantedWords } from '../model/request-words.ts';
import { describedBy, type Snapshot } from '../model/snapshot.ts';
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

/** The genres and tags of a track that are close to what was asked for, at most two: those by which it counts. */
export function nearestNames(
  { near }: Extract<Stated['source'], { kind: 'meaning' }>,
  index: number,
  snapshot: Snapshot,
): string[] {
  const own = near.flatMap(({ feature, closeness }) => {
    const weight = closeness * valueAt(describedBy(feature, snapshot), index);
    const name = feature.slice(2);
    return weight > 0
      ? [{ name: (feature.startsWith('g:') ? snapshot.genreNames.get(name) : null) ?? name, weight }]
      : [];
  });
  const names = own.sort((a, b) => b.weight - a.weight).map(({ name }) => name.toLowerCase());
  return [...new Set(names)].slice(0, 2);
}

/** A track's valence and energy, and those that were asked for. */
export function feelsOf(
  asked: Extract<Stated['source'], { kind: 'feel' }>,
  index: number,
  { feels }: Snapshot,
): { own: string; asked: string } {
  return { own: numbersOf(feels[index] ?? asked), asked: numbersOf(asked) };
}

const numbersOf = ({ valence, energy }: Feel): string => `${valence.toFixed(2)}, ${energy.toFixed(2)}`;

export function inOneList(items: readonly string[], between: string, last: string): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(between)}${last}${items.at(-1) ?? ''}`;
}
