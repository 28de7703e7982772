import { f64, i32 } from '../../lib/typed-arrays.ts';
import { emptyVector } from '../math/sparse.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Contribution, Ranking } from '../ranking/ranking.ts';
import type { TermSource } from '../taste/taste.ts';
import { linksOf } from './links.ts';

export type HistorySource = Extract<TermSource, { kind: 'history' }>;

/** What can be said of a reason. Each claim is true by itself; which one is said depends on what was said above. */
export type Claim =
  | { form: 'deed'; source: HistorySource }
  | { form: 'sameListeners'; source: HistorySource }
  /** What counts is that the track was heard lately: `age` others were liked since. */
  | { form: 'justHeard'; source: HistorySource; age: number }
  | { form: 'sameArtist' | 'sharedGenre' | 'sharedTag'; source: HistorySource; name: string }
  | { form: 'stated'; source: Exclude<TermSource, HistorySource | { kind: 'popularity' }>; isFor: boolean }
  | { form: 'audience'; listeners: number; ofAllTime: boolean }
  /** `above` tracks of the track's main genre have more listeners. */
  | { form: 'genreRank'; genre: string; above: number; ofAllTime: boolean }
  | { form: 'wellKnown' | 'heardByOthers' | 'heardByFew'; ofAllTime: boolean }
  | { form: 'rejected' };

/** The share of a reason that one of its links must have to be told. */
const TOLD_SHARE = 0.2;
/** From this share of a reason on, it is one because the track was heard lately. */
const LATELY_SHARE = 0.5;
/** From this percentile on, the number of a track's listeners is worth telling. */
const MUCH = 0.8;
/** From this percentile on, most tracks have fewer listeners. */
const KNOWN = 0.6;

/** What can be said of a reason, what usually is first. */
export function claimsOf(contribution: Contribution, index: number, ranking: Ranking): readonly Claim[] {
  const { source, value } = contribution;
  if (source.kind === 'popularity') return popularityClaims(index, ranking.snapshot, value > 0);
  if (source.kind !== 'history') return [{ form: 'stated', source, isFor: value > 0 }];
  const claims: Claim[] = [{ form: 'deed', source }];
  if (value > 0) claims.push(...linkClaims(contribution, source, index, ranking));
  const { lately } = contribution;
  const isRecent = lately !== undefined && value > 0 && lately.value > LATELY_SHARE * value;
  return isRecent ? [{ form: 'justHeard', source, age: lately.age }, ...claims] : claims;
}

const sharedForms = { SAME_ARTIST: 'sameArtist', SHARED_GENRE: 'sharedGenre', SHARED_TAG: 'sharedTag' } as const;

function linkClaims(reason: Contribution, source: HistorySource, index: number, ranking: Ranking): Claim[] {
  const links = linksOf(reason, source.trackId, index, ranking);
  return links.flatMap(({ kind, names: [name], contribution }): Claim[] => {
    if (contribution < TOLD_SHARE * reason.value) return [];
    if (kind === 'LISTENERS') return [{ form: 'sameListeners', source }];
    return name === undefined ? [] : [{ form: sharedForms[kind], source, name }];
  });
}

function popularityClaims(index: number, snapshot: Snapshot, isFor: boolean): Claim[] {
  const track = snapshot.tracks[index];
  if (!track) return [];
  const listeners = track.allTimeListeners ?? track.recentListeners;
  const ofAllTime = track.allTimeListeners !== null;
  if (track.rejecters > listeners) return [{ form: 'rejected' }];
  if (!isFor) return [{ form: 'heardByFew', ofAllTime }];
  const claims: Claim[] = [];
  if (track.popularity >= MUCH) claims.push({ form: 'audience', listeners, ofAllTime });
  if (track.popularity >= KNOWN) claims.push({ form: 'wellKnown', ofAllTime });
  const [genre] = track.genreSlugs;
  const above = genre === undefined ? null : rankInGenre(genre, track.popularity, snapshot);
  if (genre !== undefined && above !== null) claims.push({ form: 'genreRank', genre, above, ofAllTime });
  return claims.length > 0 ? claims : [{ form: 'heardByOthers', ofAllTime }];
}

const audiences = new WeakMap<Snapshot, Map<string, Float64Array>>();

/** Number of tracks of a genre that are more popular. Null for those in its less popular half. */
function rankInGenre(slug: string, popularity: number, snapshot: Snapshot): number | null {
  const known = audiences.get(snapshot) ?? new Map<string, Float64Array>();
  audiences.set(snapshot, known);
  const ascending = known.get(slug) ?? popularitiesOf(slug, snapshot);
  known.set(slug, ascending);
  let above = 0;
  while (above < ascending.length && f64(ascending, ascending.length - 1 - above) > popularity) above++;
  return above < ascending.length / 2 ? above : null;
}

function popularitiesOf(slug: string, { byGenre, tracks }: Snapshot): Float64Array {
  const { indices } = byGenre.get(slug) ?? emptyVector;
  const offered = [...indices.keys()].flatMap((at) => tracks[i32(indices, at)] ?? []).filter((one) => !one.withdrawn);
  return Float64Array.from(offered, (one) => one.popularity).sort();
}
