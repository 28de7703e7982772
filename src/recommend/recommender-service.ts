import { randomUUID } from 'node:crypto';
import { checkFilter, type Catalogue, type TrackFilter } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { selectEvaluations, selectReactions } from '../db/recommend-queries.ts';
import type { Clock } from '../lib/clock.ts';
import { InvalidInputError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, decodeCursor, encodeCursor, keyPart, type PageArgs } from '../lib/page.ts';
import { checkRange, checkText } from '../lib/text.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { listenerKey, type Listeners } from '../listeners/listeners.ts';
import { exclusionNames } from './exclusions.ts';
import { explain } from './explanation.ts';
import { live } from './live.ts';
import { ModelState, type Serving } from './model-state.ts';
import { Openings, recommendationOf, type Opening } from './openings.ts';
import { Ranking } from './ranking.ts';
import type { Recommendation, RecommendationPage, RecommendationQuery, Recommender } from './recommender.ts';
import { ServedLists, type ServedList } from './served-lists.ts';
import { standingReactions } from './strengths.ts';
import { TasteCache } from './taste-cache.ts';
import type { Taste } from './taste.ts';

export interface RecommenderOptions {
  database: Database;
  catalogue: Catalogue;
  listeners: Listeners;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
}

/** Rows of history that a request reads: what was heard before these counts neither as a reason nor as heard. */
const HISTORY_ROWS = 5_000;
const LONGEST_CONTEXT = 500;
/** What the cursors of a listener's lists say that they are of. */
const LIST = 'recommendations';

/** Recommends with the active version, from the first request on; trains one in the background where there is none. */
export async function createRecommender(options: RecommenderOptions): Promise<Recommender> {
  const { database, listeners, wakeups, clock, log } = options;
  const model = await ModelState.open(options);
  const lists = new ServedLists(database, clock, log);

  const tastes = new TasteCache(wakeups, async (listenerId) => {
    const [rows, preferences] = await Promise.all([
      selectReactions(database, listenerId, HISTORY_ROWS),
      listeners.preferences([listenerId]),
    ]);
    const stated = preferences.get(listenerId);
    return {
      history: standingReactions(rows.map((row) => ({ ...row, at: row.at.getTime() }))),
      genres: stated?.genres.map(({ slug, weight }) => ({ slug, weight })) ?? [],
      artistIds: stated?.artistIds ?? [],
      tags: stated?.tags ?? [],
      text: stated?.text ?? null,
      allowExplicit: stated?.allowExplicit ?? true,
    };
  });
  const openings = new Openings();

  const open = async (listenerId: number, query: RecommendationQuery): Promise<[Opening, Serving]> => {
    const known = await tastes.get(listenerId);
    const serving = await model.current();
    checkSeeds(query, serving);
    return [openings.get(keyOf(listenerId, query), { ...serving, known }, query), serving];
  };

  const firstPage = async (
    listenerId: number,
    query: RecommendationQuery,
    first: number,
  ): Promise<RecommendationPage> => {
    const [opening, { neighbours }] = await open(listenerId, query);
    return opening.page(first, clock.monotonic(), () => {
      const { filter = null, includeHeard = false, diversity = 0 } = query;
      // One more than asked for, to know whether a page follows.
      const found = opening.first(first + 1);
      const nodes = found.slice(0, first);
      const list: ServedList = {
        id: randomUUID(),
        listenerId,
        modelVersion: neighbours.version,
        ...{ taste: opening.taste, filter, includeHeard, diversity },
        trackIds: nodes.map(({ trackId }) => trackId),
      };
      lists.keep(list);
      return pageOf(list, nodes, { hasNextPage: found.length > first, hasPreviousPage: false });
    });
  };

  const laterPage = async (list: ServedList, position: number, first: number): Promise<RecommendationPage> => {
    const { snapshot, neighbours } = await model.of(list.modelVersion);
    const ranking = new Ranking(snapshot, neighbours, list);
    const indexOf = (trackId: number) => snapshot.indexOf.get(trackId) ?? [];
    const before = list.trackIds.slice(0, position).flatMap(indexOf);
    const known = list.trackIds.slice(position, position + first + 1).flatMap(indexOf);
    const missing = first + 1 - known.length;
    const fresh = missing > 0 ? ranking.next([...before, ...known], missing, list.diversity) : [];
    const scoreRanks = new Map(fresh.map(({ index, scoreRank }) => [index, scoreRank]));
    const found = [...known, ...fresh.map(({ index }) => index)];
    const nodes = found.slice(0, first).map((index, i) => {
      const scoreRank = scoreRanks.get(index) ?? ranking.rankOf(index) ?? 0;
      return recommendationOf(ranking, index, position + i + 1, scoreRank);
    });
    const trackIds = [...list.trackIds.slice(0, position), ...nodes.map(({ trackId }) => trackId)];
    if (trackIds.length > list.trackIds.length) lists.keep({ ...list, trackIds });
    const bounds = { hasNextPage: found.length > first, hasPreviousPage: position > 0 };
    return pageOf({ ...list, modelVersion: neighbours.version }, nodes, bounds);
  };

  const recommender: Recommender = {
    recommend: async (listenerId, query, page) => {
      const first = checkFirst(page.first);
      checkQuery(query);
      if (page.after == null) return firstPage(listenerId, query, first);
      const [list, position] = await resume(lists, page.after, listenerId, query);
      return laterPage(list, position, first);
    },

    explain: async (listenerId, trackId, query) => {
      checkQuery(query);
      const [{ ranking }, { snapshot }] = await open(listenerId, query);
      const index = snapshot.indexOf.get(trackId);
      if (index === undefined) return null;
      return {
        trackId,
        score: ranking.scoreOf(index),
        scoreRank: ranking.rankOf(index),
        excludedBy: exclusionNames(ranking.exclusionsOf(index)),
        explanation: explain(ranking, index),
      };
    },

    similar: async (trackId, page) => similar(model, trackId, page),
    live: (listenerId, query, first, signal) => {
      const look = () => recommender.recommend(listenerId, query, { first });
      return live(wakeups, [listenerKey(listenerId), ...ModelState.wakeupKeys], look, signal);
    },
    evaluations: (first) => selectEvaluations(database.db, checkFirst(first)),
    train: () => model.train(),
    [Symbol.asyncDispose]: async () => {
      await tastes[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
      await lists[Symbol.asyncDispose]();
    },
  };
  return recommender;
}

function checkQuery({ context, diversity, filter }: RecommendationQuery): void {
  if (filter) checkFilter(filter);
  if (diversity !== undefined) checkRange(diversity, 'diversity', 0, 1);
  if (context?.text != null) checkText(context.text, 'context.text', { min: 0, max: LONGEST_CONTEXT });
}

/** A seed that is not there would steer nowhere, and the list would look as if it had. */
function checkSeeds({ context }: RecommendationQuery, { snapshot }: Serving): void {
  context?.seedTrackIds?.forEach((id, i) => {
    const field = `context.seedTrackIds.${i}`;
    if (!snapshot.indexOf.has(id)) throw new InvalidInputError(`${field} is not a track of the catalogue`, field);
  });
}

/** The list that a cursor belongs to, and the position it names. What the query asks for was settled with the first page. */
async function resume(
  lists: ServedLists,
  after: string,
  listenerId: number,
  query: RecommendationQuery,
): Promise<[ServedList, number]> {
  const [id, position] = decodeCursor(after, LIST, [keyPart.uuid, keyPart.id]);
  const list = await lists.find(id);
  if (list?.listenerId !== listenerId || position > list.trackIds.length) {
    throw new InvalidInputError('after is not a cursor of a list made for this listener within the last day', 'after');
  }
  checkSameQuery(list, query);
  return [list, position];
}

/** A page of another query's list would be a wrong answer: the client is told. */
function checkSameQuery(list: ServedList, query: RecommendationQuery): void {
  const { seedTrackIds, contextText } = list.taste;
  const begun = { ...list, context: { seedTrackIds, text: contextText } };
  if (keyOf(list.listenerId, query) === keyOf(list.listenerId, begun)) return;
  throw new InvalidInputError('after belongs to a list with another filter, context or diversity', 'after');
}

/** Lists with the same key are asked for in the same way. */
function keyOf(listenerId: number, query: RecommendationQuery): string {
  const { filter = null, context, includeHeard = false, diversity = 0 } = query;
  const steering = [context?.seedTrackIds ?? [], context?.text ?? null, includeHeard, diversity];
  return JSON.stringify([listenerId, ...steering, conditionsOf(filter)]);
}

/** A filter's conditions in a fixed order: neither clients nor jsonb keep the order of an object's fields. */
function conditionsOf(filter: TrackFilter | null): unknown[] {
  const { genres, excludeGenres, artistIds, excludeArtistIds, excludeTrackIds } = filter ?? {};
  const { releaseYear, durationMs, explicit } = filter ?? {};
  return [
    ...[genres, excludeGenres, artistIds, excludeArtistIds, excludeTrackIds, explicit].map((value) => value ?? null),
    ...[releaseYear, durationMs].map((range) => [range?.min ?? null, range?.max ?? null]),
  ];
}

function pageOf(
  { id, modelVersion }: Pick<ServedList, 'id' | 'modelVersion'>,
  nodes: readonly Recommendation[],
  bounds: Pick<RecommendationPage, 'hasNextPage' | 'hasPreviousPage'>,
): RecommendationPage {
  const edges = nodes.map((node) => ({ cursor: encodeCursor(LIST, [id, node.rank]), node }));
  return { edges, ...bounds, requestId: id, modelVersion };
}

const similarTaste = (trackId: number): Taste => ({
  ...{ history: [], genres: [], artistIds: [], tags: [], text: null, contextText: null },
  ...{ allowExplicit: true, seedTrackIds: [trackId] },
});

/** Tracks next to this one, whoever asks: its neighbours, and popularity among equals. */
async function similar(model: ModelState, trackId: number, page: PageArgs): Promise<RecommendationPage> {
  const first = checkFirst(page.first);
  const last = page.after == null ? null : lastShown(page.after, trackId);
  const { snapshot, neighbours } = await model.current();
  const filter = { excludeTrackIds: [trackId] };
  const ranking = new Ranking(snapshot, neighbours, { taste: similarTaste(trackId), filter, includeHeard: true });
  // Tracks that came or went above the last one move it, and the page with it; if it is gone, its old place has to do.
  const position = last ? (ranking.rankOf(snapshot.indexOf.get(last.trackId) ?? -1) ?? last.rank) : 0;
  const ranked = ranking.next([], position + first + 1, 0);
  const edges = ranked.slice(position, position + first).map(({ index, score, scoreRank }) => {
    const explanation = explain(ranking, index);
    const node = { trackId: snapshot.tracks[index]?.id ?? 0, rank: scoreRank, score, scoreRank, explanation };
    return { cursor: encodeCursor(`similar:${trackId}`, [node.trackId, scoreRank]), node };
  });
  return {
    edges,
    hasNextPage: ranked.length > position + first,
    hasPreviousPage: position > 0,
    requestId: randomUUID(),
    modelVersion: neighbours.version,
  };
}

function lastShown(after: string, trackId: number): { trackId: number; rank: number } {
  const [last, rank] = decodeCursor(after, `similar:${trackId}`, [keyPart.id, keyPart.id]);
  return { trackId: last, rank };
}
