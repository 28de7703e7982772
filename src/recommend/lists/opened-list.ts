import type { Recommendation, RecommendationPage, RecommendationQuery } from '../contract.ts';
import { explain } from '../explain/explanation.ts';
import type { Serving } from '../model/serving.ts';
import { type Exploration, noExploration } from '../ranking/exploration.ts';
import { type RankedTrack, Ranking, type Shape } from '../ranking/ranking.ts';
import type { KnownTaste, Taste } from '../taste/taste.ts';
import { shapingOf } from './list-query.ts';

/** Far less than the day that a list can be paged through. */
const PAGE_KEPT_MS = 3_600_000;

/** What a list begins from, and the list as far as somebody has asked for it. */
export class OpenedList {
  readonly taste: Taste;
  readonly ranking: Ranking;
  readonly modelVersion: string;
  /** Tracks of earlier lists that stay out of this one. */
  readonly servedBefore: readonly number[];
  readonly #shape: Omit<Shape, 'exploration'>;
  readonly #indices: number[] = [];
  readonly #recommendations: Recommendation[] = [];
  readonly #pages = new Map<number, { page: RecommendationPage; madeAt: number }>();

  constructor(serving: Serving, known: KnownTaste, query: RecommendationQuery, servedBefore: readonly number[] = []) {
    const { context, filter = null } = query;
    const asked = { seedTrackIds: context?.seedTrackIds ?? [], contextText: context?.text ?? null };
    this.taste = { ...known, ...asked, freshness: context?.freshness ?? 0 };
    this.servedBefore = servedBefore;
    const { includeHeard, ...shape } = shapingOf(query);
    const { snapshot, neighbours } = serving;
    this.ranking = new Ranking(snapshot, neighbours, { taste: this.taste, filter, includeHeard, servedBefore });
    this.modelVersion = neighbours.version;
    this.#shape = shape;
  }

  /** The recommendations of the first `count` ranks, or all there are. One that explores is like no other. */
  first(count: number, exploration: Exploration): readonly Recommendation[] {
    return exploration.rate > 0 ? this.#make([], count, exploration) : this.#known(count);
  }

  #known(count: number): readonly Recommendation[] {
    const missing = count - this.#indices.length;
    if (missing > 0) this.#recommendations.push(...this.#make(this.#indices, missing, noExploration));
    return this.#recommendations.slice(0, count);
  }

  #make(before: number[], count: number, exploration: Exploration): Recommendation[] {
    const fresh = this.ranking.next(before, count, { ...this.#shape, exploration });
    return fresh.map((one) => recommendationOf(this.ranking, one, before.push(one.index)));
  }

  /** The first page of this size, made once an hour at most: who asks again has the same list, and can page on in it. */
  page(first: number, now: number, make: () => RecommendationPage): RecommendationPage {
    const known = this.#pages.get(first);
    if (known && now - known.madeAt < PAGE_KEPT_MS) return known.page;
    const page = make();
    this.#pages.set(first, { page, madeAt: now });
    return page;
  }
}

export function recommendationOf(
  ranking: Ranking,
  { index, scoreRank, propensity }: Pick<RankedTrack, 'index' | 'scoreRank' | 'propensity'>,
  rank: number,
): Recommendation {
  return {
    trackId: ranking.snapshot.tracks[index]?.id ?? 0,
    rank,
    score: ranking.scoreOf(index),
    scoreRank,
    propensity,
    explanation: explain(ranking, index),
  };
}
