import type { Recommendation, RecommendationContext, RecommendationPage, RecommendationQuery } from '../contract.ts';
import { explain } from '../explain/explanation.ts';
import { Telling } from '../explain/telling.ts';
import type { Serving } from '../model/serving.ts';
import { trackAt } from '../model/snapshot.ts';
import { isAgainst } from '../ranking/exclusions.ts';
import { type Exploration, noExploration } from '../ranking/exploration.ts';
import { Ranking } from '../ranking/ranking.ts';
import type { RankedTrack, Shape } from '../ranking/scores.ts';
import type { KnownTaste, MeaningOf, Taste } from '../taste/taste.ts';
import { digestOfData } from './list-id.ts';
import { shapingOf } from './list-query.ts';
import type { ServedList } from './stored-lists.ts';

/** Much less than the day for which a list can be paged through. */
export const LIST_KEPT_MS = 3_600_000;

/**
 * The beginning of a list. It counts as served when it is sent, because a live list is computed more often than it
 * changes.
 */
export interface FirstPage {
  page: RecommendationPage;
  /** Records what was sent, so that later pages and feedback find it. */
  sent: (toStaff: boolean) => void;
}

/** A list with its id, and its beginnings by length. */
export interface BegunList {
  readonly list: Omit<ServedList, 'positions'>;
  readonly pages: Map<number, FirstPage>;
  /** Number of positions that were sent. Null if not even an empty list was. */
  sent: number | null;
  /** Whether all of it was sent to staff, which is no impression. */
  isPreview: boolean;
}

/** Everything that a list depends on, except the query. */
export interface Basis {
  serving: Serving;
  known: KnownTaste;
  meanings: Pick<Taste, `${MeaningOf}Meaning`>;
}

/** What a list is made from, and the part of the list computed so far. */
export class OpenedList {
  readonly taste: Taste;
  readonly ranking: Ranking;
  readonly modelVersion: string;
  /** Tracks of earlier lists that this one excludes. */
  readonly servedBefore: readonly number[];
  /** A digest of all that it depends on: the same on every node where the list is the same. */
  readonly madeFrom: string;
  readonly #shape: Omit<Shape, 'exploration'>;
  readonly #indices: number[] = [];
  readonly #recommendations: Recommendation[] = [];
  readonly #telling: Telling;
  #begun: { list: BegunList; at: number } | null = null;

  /** @param key of the listener and the query */
  constructor(
    key: string,
    { serving, known, meanings }: Basis,
    query: RecommendationQuery,
    servedBefore: readonly number[],
  ) {
    const { context, filter = null } = query;
    const asked = { seedTrackIds: context?.seedTrackIds ?? [], contextText: context?.text ?? null };
    this.taste = {
      ...known,
      ...asked,
      ...steeringOf(context, known),
      ...meanings,
      ...(context?.mood && { moodOf: context.mood }),
      freshness: context?.freshness ?? 0,
    };
    this.servedBefore = servedBefore;
    const { includeHeard, ...shape } = shapingOf(query);
    this.ranking = new Ranking(serving, { taste: this.taste, filter, includeHeard, servedBefore });
    this.modelVersion = serving.neighbours.version;
    this.#shape = shape;
    // Made once: a long history takes a while.
    this.madeFrom = digestOfData([key, this.modelVersion, serving.snapshot.state, known, meanings, servedBefore]);
    this.#telling = new Telling('list', this.madeFrom);
  }

  /** The recommendations of the first `count` ranks, or all if there are fewer. A list that explores is unique. */
  first(count: number, exploration: Exploration): readonly Recommendation[] {
    return exploration.rate > 0 ? this.#make([], count, exploration) : this.#known(count);
  }

  #known(count: number): readonly Recommendation[] {
    const missing = count - this.#indices.length;
    if (missing > 0) this.#recommendations.push(...this.#make(this.#indices, missing, noExploration));
    return this.#recommendations.slice(0, count);
  }

  #make(before: number[], count: number, exploration: Exploration): Recommendation[] {
    const fresh = this.ranking.withScores((scores) => scores.next(before, count, { ...this.#shape, exploration }));
    const telling = exploration.rate > 0 ? new Telling('explored', exploration, this.madeFrom) : this.#telling;
    return fresh.map((one) => recommendationOf(this.ranking, one, before.push(one.index), telling));
  }

  /**
   * Begun at most once an hour. A repeated request, also for another length, gets the same list and can page on in it.
   */
  begun(now: number, begin: () => Omit<ServedList, 'positions'>): BegunList {
    if (this.#begun && this.isRecent(now)) return this.#begun.list;
    const list: BegunList = { list: begin(), pages: new Map(), sent: null, isPreview: true };
    this.#begun = { list, at: now };
    return list;
  }

  isRecent(now: number): boolean {
    return this.#begun !== null && now - this.#begun.at < LIST_KEPT_MS;
  }
}

/** A session takes the place of what the listener has heard; what they reject stays rejected. */
function steeringOf(context: RecommendationContext | null | undefined, { history }: KnownTaste): Partial<Taste> {
  const { unlikeTrackIds, session } = context ?? {};
  return {
    ...(unlikeTrackIds && { unlikeTrackIds }),
    ...(session && { session, history: history.filter(({ kind }) => isAgainst(kind)) }),
  };
}

export function recommendationOf(
  ranking: Ranking,
  { index, score, scoreRank, propensity }: RankedTrack,
  rank: number,
  telling: Telling,
): Recommendation {
  return {
    trackId: trackAt(ranking.snapshot, index).id,
    rank,
    score,
    scoreRank,
    propensity,
    explanation: explain(ranking, index, telling),
  };
}
