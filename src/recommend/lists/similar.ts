import { randomUUID } from 'node:crypto';
import { checkFirst, decodeCursor, encodeCursor, keyPart, type PageArgs } from '../../lib/page.ts';
import type { RecommendationPage } from '../contract.ts';
import { Telling } from '../explain/telling.ts';
import type { Serving } from '../model/serving.ts';
import { recordingsOf } from '../model/songs.ts';
import type { Rules } from '../ranking/exclusions.ts';
import { Ranking } from '../ranking/ranking.ts';
import { byScore } from '../ranking/scores.ts';
import type { Taste } from '../taste/taste.ts';
import { recommendationOf } from './opened-list.ts';

/** The ranking is based on the track alone. What may be in it depends on the viewer. */
const similarTaste = (trackId: number): Taste => ({
  ...{ history: [], genres: [], artistIds: [], tags: [], text: null, contextText: null },
  ...{ allowExplicit: true, seedTrackIds: [trackId] },
});

/** The neighbours of a track that a listener's rules allow, and popularity among equals ([REC17]). */
export function similar(serving: Serving, trackId: number, page: PageArgs, rules?: Rules): RecommendationPage {
  const { snapshot, neighbours } = serving;
  const first = checkFirst(page.first);
  const last = page.after == null ? null : lastShown(page.after, trackId);
  const own = snapshot.indexOf.get(trackId) ?? -1;
  const recordings = [...recordingsOf(snapshot.songs, own)].flatMap((index) => snapshot.tracks[index]?.id ?? []);
  const filter = { excludeTrackIds: recordings.length > 0 ? recordings : [trackId] };
  const options = { taste: similarTaste(trackId), filter, includeHeard: true, ...(rules && { rules }) };
  const ranking = new Ranking(serving, options);
  const { position, ranked } = ranking.withScores((scores) => {
    // If tracks above the last one were added or removed, it moves, and the page with it. If it is gone, its old
    // position is used.
    const position = last ? (scores.rankOf(snapshot.indexOf.get(last.trackId) ?? -1) ?? last.rank) : 0;
    return { position, ranked: scores.next([], position + first + 1, byScore) };
  });
  const madeFrom = ['similar', trackId, position, neighbours.version, snapshot.state, rules ?? null];
  const telling = new Telling(...madeFrom);
  const edges = ranked.slice(position, position + first).map((one) => {
    const node = recommendationOf(ranking, one, one.scoreRank, telling);
    return { cursor: encodeCursor(`similar:${trackId}`, [node.trackId, one.scoreRank]), node };
  });
  return {
    edges,
    hasNextPage: ranked.length > position + first,
    hasPreviousPage: position > 0,
    requestId: randomUUID(),
    modelVersion: neighbours.version,
    contextWords: [],
  };
}

function lastShown(after: string, trackId: number): { trackId: number; rank: number } {
  const [last, rank] = decodeCursor(after, `similar:${trackId}`, [keyPart.id, keyPart.id]);
  return { trackId: last, rank };
}
