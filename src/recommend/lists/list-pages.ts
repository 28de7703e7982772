import { InvalidInputError } from '../../lib/errors.ts';
import { decodeCursor, encodeCursor, keyPart } from '../../lib/page.ts';
import type { ContextWord, Recommendation, RecommendationPage, RecommendationQuery } from '../contract.ts';
import { Telling } from '../explain/telling.ts';
import { requestWords } from '../model/request-words.ts';
import type { Serving } from '../model/serving.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { seedOf } from '../ranking/exploration.ts';
import { Ranking } from '../ranking/ranking.ts';
import type { RankedTrack, Shape } from '../ranking/scores.ts';
import { uuidOf } from './list-id.ts';
import { checkSameQuery, shapingOf } from './list-query.ts';
import { type BegunList, type FirstPage, type OpenedList, recommendationOf } from './opened-list.ts';
import type { ServedLists } from './served-lists.ts';
import type { ServedList, ServedPosition } from './stored-lists.ts';

/** The name in the cursors of a listener's lists. */
const LIST = 'recommendations';

type Bounds = Pick<RecommendationPage, 'hasNextPage' | 'hasPreviousPage'>;

/**
 * The first page, of any length, for a query or a subscription. As long as nothing has changed, all of them are of one
 * list ([REC7], [LIVE3]).
 */
export function firstPage(lists: ServedLists, opened: OpenedList, begun: BegunList, first: number): FirstPage {
  const known = begun.pages.get(first);
  if (known) return known;
  const { list } = begun;
  // One more than requested, to know whether a page follows.
  const found = opened.first(first + 1, { rate: list.exploration, seed: seedOf(list.id) });
  const nodes = found.slice(0, first);
  const sent = (toStaff: boolean): void => {
    const isNews = begun.sent === null || begun.sent < nodes.length || (begun.isPreview && !toStaff);
    if (!isNews) return;
    begun.sent = Math.max(begun.sent ?? 0, nodes.length);
    begun.isPreview &&= toStaff;
    lists.keep({ ...list, isPreview: begun.isPreview, positions: nodes.map(servedPositionOf) });
  };
  const bounds = { hasNextPage: found.length > first, hasPreviousPage: false };
  const page = pageOf(list, nodes, bounds, opened.ranking.snapshot);
  begun.pages.set(first, { page, sent });
  return { page, sent };
}

const HOUR_MS = 3_600_000;

/**
 * A list of which nothing has been sent. Nodes that are asked for it in the same hour give it the same id, without
 * asking each other ([LIVE5]).
 */
export function newList(
  { taste, modelVersion, servedBefore, madeFrom }: OpenedList,
  listenerId: number,
  query: RecommendationQuery,
  { exploration, now }: { exploration: number; now: number },
): Omit<ServedList, 'positions'> {
  const id = uuidOf([madeFrom, exploration, Math.floor(now / HOUR_MS)]);
  const asked = { ...shapingOf(query), filter: query.filter ?? null, exploration };
  return { id, listenerId, modelVersion, taste, servedBefore, isPreview: false, ...asked };
}

/** Continues a list: what was served of it is repeated unchanged, and what follows is ranked as when it was begun. */
export function laterPage(
  lists: ServedLists,
  serving: Serving,
  list: ServedList,
  position: number,
  first: number,
): RecommendationPage {
  const { snapshot, neighbours } = serving;
  const ranking = new Ranking(serving, list);
  const served = list.positions.flatMap(({ trackId, propensity }, i) => {
    const index = snapshot.indexOf.get(trackId);
    return index === undefined || snapshot.tracks[index]?.withdrawn ? [] : [{ index, propensity, at: i }];
  });
  const above = served.filter(({ at }) => at < position);
  const known = served.filter(({ at }) => at >= position && at <= position + first);
  const missing = first + 1 - known.length;
  const before = [...above, ...known].map(({ index }) => index);
  const found = ranking.withScores((scores): RankedTrack[] => {
    const fresh = missing > 0 ? scores.next(before, missing, shapeOf(list)) : [];
    const again = known.map(({ index, propensity }) => {
      return { index, score: scores.scoreOf(index), scoreRank: scores.rankOf(index) ?? 0, propensity };
    });
    return [...again, ...fresh];
  });
  const telling = new Telling(list.id, position, snapshot.state);
  const nodes = found.slice(0, first).map((one, i) => recommendationOf(ranking, one, position + i + 1, telling));
  const positions = [...list.positions.slice(0, position), ...nodes.map(servedPositionOf)];
  if (positions.length > list.positions.length) lists.keep({ ...list, positions });
  const bounds = { hasNextPage: found.length > first, hasPreviousPage: position > 0 };
  return pageOf({ ...list, modelVersion: neighbours.version }, nodes, bounds, snapshot);
}

/** The list and position of a cursor. What the query requests was determined with the first page. */
export async function resume(
  lists: ServedLists,
  after: string,
  listenerId: number,
  query: RecommendationQuery,
): Promise<[ServedList, number]> {
  const [id, position] = decodeCursor(after, LIST, [keyPart.uuid, keyPart.id]);
  const list = await lists.find(id, position);
  if (list?.listenerId !== listenerId || position > list.positions.length) {
    throw new InvalidInputError('after is not a cursor of a list made for this listener within the last day', 'after');
  }
  checkSameQuery(list, query);
  return [list, position];
}

export function shapeOf({
  id,
  diversity,
  calibration,
  maxPerArtist,
  exploration,
}: Omit<ServedList, 'positions'>): Shape {
  return { diversity, calibration, maxPerArtist, exploration: { rate: exploration, seed: seedOf(id) } };
}

export const servedPositionOf = ({ trackId, propensity, explanation }: Recommendation): ServedPosition => ({
  trackId,
  propensity,
  reason: explanation.mainReason,
});

function pageOf(
  { id, modelVersion, taste }: Pick<ServedList, 'id' | 'modelVersion' | 'taste'>,
  nodes: readonly Recommendation[],
  bounds: Bounds,
  snapshot: Snapshot,
): RecommendationPage {
  const edges = nodes.map((node) => ({ cursor: encodeCursor(LIST, [id, node.rank]), node }));
  const contextWords = contextWordsOf(taste.contextText, snapshot);
  return { edges, ...bounds, requestId: id, modelVersion, contextWords };
}

/** What became of each word that was asked for ([WORDS2]). */
function contextWordsOf(text: string | null, { byWord }: Snapshot): ContextWord[] {
  return requestWords(text ?? '').map(({ word, written, use }) => {
    const match = byWord.get(word) ? 'MATCHED' : 'UNMATCHED';
    return { text: written, match: use === 'WANTED' ? match : use === 'NEGATED' ? 'NEGATED' : 'IGNORED' };
  });
}
