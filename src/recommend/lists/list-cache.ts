import { checkKnownGenres } from '../../catalogue/catalogue.ts';
import type { Clock } from '../../lib/clock.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import type { RecommendationPage, RecommendationQuery } from '../contract.ts';
import type { Meaning, Meanings } from '../meaning/meanings.ts';
import type { Serving } from '../model/serving.ts';
import type { MeaningOf } from '../taste/taste.ts';
import type { TasteCache } from '../taste/taste-cache.ts';
import type { ModelState } from '../versions/model-state.ts';
import { firstPage, newList } from './list-pages.ts';
import { isOfQuery, keyOf } from './list-query.ts';
import { type Basis, type FirstPage, LIST_KEPT_MS, OpenedList } from './opened-list.ts';
import type { ServedLists } from './served-lists.ts';

/** Memory for opened lists in bytes. Beyond it the least recently requested are evicted. */
const MOST_BYTES = 32 << 20;
/** Estimated memory of a list, with its reasons and sentences. */
const BYTES_OF_LIST = 75_000;
const MOST_LISTS = Math.floor(MOST_BYTES / BYTES_OF_LIST);

/** Most lists exclude nothing of earlier ones. */
const nothing: readonly number[] = [];

export interface ListCacheOptions {
  tastes: TasteCache;
  model: ModelState;
  served: ServedLists;
  clock: Clock;
  /** Null if texts count by their words alone. */
  meanings: Meanings | null;
  /** Probability that a position is filled at random ([EXPLORE1]). */
  exploration: number;
}

/**
 * Opens lists. As long as nothing that a list depends on has changed, the same list is returned, because pages are
 * opened repeatedly, by the same person and in several windows.
 */
export class ListCache {
  readonly #options: ListCacheOptions;
  readonly #lists = new Map<string, Basis & { list: OpenedList }>();

  constructor(options: ListCacheOptions) {
    this.#options = options;
  }

  /** The first page of a list. It is stored so that later pages and feedback find it. */
  async begin(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    isStaff: boolean,
  ): Promise<RecommendationPage> {
    const { page, sent } = await this.#begin(listenerId, query, first, await this.#servedIn(listenerId, query));
    sent(isStaff);
    return page;
  }

  /**
   * Computes the requested list for a subscription ([LIVE3]). What it excludes was determined when it was begun, here or on
   * another node, or is determined now.
   */
  follow(listenerId: number, query: RecommendationQuery, first: number): () => Promise<FirstPage> {
    const asked = this.#lists.get(keyOf(listenerId, query))?.list;
    let servedBefore = asked?.isRecent(this.#options.clock.monotonic()) ? asked.servedBefore : null;
    return async () => {
      servedBefore ??= (await this.#begunElsewhere(listenerId, query)) ?? (await this.#servedIn(listenerId, query));
      return this.#begin(listenerId, query, first, servedBefore);
    };
  }

  /** A list that is asked for once, and so is not kept, without these tracks. */
  async unkept(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    without: readonly number[],
  ): Promise<FirstPage> {
    const list = new OpenedList(
      `part ${keyOf(listenerId, query)}`,
      await this.#basisOf(listenerId, query),
      query,
      without,
    );
    return this.#firstPage(list, listenerId, query, first);
  }

  async #begin(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    servedBefore: readonly number[],
  ): Promise<FirstPage> {
    return this.#firstPage(await this.open(listenerId, query, servedBefore), listenerId, query, first);
  }

  #firstPage(list: OpenedList, listenerId: number, query: RecommendationQuery, first: number): FirstPage {
    const { served, clock, exploration } = this.#options;
    const begun = list.begun(clock.monotonic(), () =>
      newList(list, listenerId, query, { exploration, now: clock.now() }),
    );
    return firstPage(served, list, begun, first);
  }

  /** @throws InvalidInputError for a seed that is not a track */
  async open(
    listenerId: number,
    query: RecommendationQuery,
    servedBefore: readonly number[] = nothing,
  ): Promise<OpenedList> {
    const basis = await this.#basisOf(listenerId, query);
    const key = keyOf(listenerId, query);
    const found = this.#lists.get(key);
    const isKnown = found && isSame(found, basis) && found.list.servedBefore === servedBefore;
    const list = isKnown ? found.list : new OpenedList(key, basis, query, servedBefore);
    this.#lists.delete(key);
    this.#lists.set(key, { ...basis, list });
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > MOST_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    return list;
  }

  /** Previously served tracks differ each time, so a list that excludes them is always new. */
  async #servedIn(
    listenerId: number,
    { notServedForHours: hours = 0 }: RecommendationQuery,
  ): Promise<readonly number[]> {
    return hours > 0 ? this.#options.served.recent(listenerId, hours) : nothing;
  }

  async #begunElsewhere(listenerId: number, query: RecommendationQuery): Promise<readonly number[] | null> {
    const { served, clock } = this.#options;
    if ((query.notServedForHours ?? 0) === 0) return null;
    const recent = await served.begunSince(listenerId, new Date(clock.now() - LIST_KEPT_MS));
    return recent.find((list) => isOfQuery(list, query))?.servedBefore ?? null;
  }

  async #meaningOf(text: string | null | undefined, { snapshot }: Serving): Promise<Meaning | null> {
    return text ? ((await this.#options.meanings?.of(text, snapshot)) ?? null) : null;
  }

  async #basisOf(listenerId: number, query: RecommendationQuery): Promise<Basis> {
    const known = await this.#options.tastes.get(listenerId);
    const serving = await this.#options.model.current();
    checkSeeds(query, serving);
    checkGenres(query, serving);
    const meanings = {
      ...named('context', await this.#meaningOf(query.context?.text, serving)),
      ...named('text', await this.#meaningOf(known.text, serving)),
      ...named('mood', await this.#meaningOf(query.context?.mood?.words, serving)),
    };
    return { serving, known, meanings };
  }
}

const named = (of: MeaningOf, meaning: Meaning | null): Basis['meanings'] =>
  meaning ? { [`${of}Meaning` as const]: meaning } : {};

const KINDS = ['context', 'text', 'mood'] as const;

const isSame = (a: Basis, b: Basis): boolean =>
  a.known === b.known &&
  KINDS.every((of) => a.meanings[`${of}Meaning`] === b.meanings[`${of}Meaning`]) &&
  a.serving.snapshot === b.serving.snapshot &&
  a.serving.neighbours === b.serving.neighbours;

/** An unknown seed would have no effect, and the list would look as if it had. */
function checkSeeds({ context }: RecommendationQuery, { snapshot }: Serving): void {
  for (const name of ['seedTrackIds', 'unlikeTrackIds', 'session'] as const) {
    context?.[name]?.forEach((id, i) => {
      const field = `context.${name}.${i}`;
      if (!snapshot.indexOf.has(id)) throw new InvalidInputError(`${field} is not a track of the catalogue`, field);
    });
  }
}

/** A list of a genre that nobody has heard of would be empty, or leave out nothing, and look as if that was meant. */
export function checkGenres({ filter }: Pick<RecommendationQuery, 'filter'>, { snapshot }: Serving): void {
  if (filter) checkKnownGenres(filter, (slug) => snapshot.genreNames.has(slug));
}
