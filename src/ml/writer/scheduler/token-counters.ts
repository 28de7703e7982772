import { LRUCache } from 'lru-cache';

/** A token that is written takes a step of its own; those of a prompt are read many at a time. As in the paper. */
const WEIGHTS = { read: 1, written: 2 };
/** Listeners whose counters are kept while they have no draft here. */
const MOST_KNOWN = 10_000;

/**
 * What the engine has done for each listener, in weighted tokens: the virtual token counter of Sheng et al. 2024, Fairness
 * in Serving Large Language Models. Whoever has the lowest counter is served next. A listener who comes back is not owed
 * for the time away: the counter is raised to the lowest of those who have drafts.
 */
export class TokenCounters {
  readonly #counts = new LRUCache<number, number>({ max: MOST_KNOWN });
  /** The counter of whoever left last, for when nobody is left. */
  #last = 0;

  of(listener: number | null): number {
    return listener === null ? 0 : (this.#counts.peek(listener) ?? this.#last);
  }

  /** @param present the listeners of the drafts that wait or are being written */
  arrive(listener: number | null, present: readonly (number | null)[]): void {
    if (listener === null || present.includes(listener)) return;
    const others = present.flatMap((one) => (one === null ? [] : [this.of(one)]));
    const floor = others.length > 0 ? Math.min(...others) : this.#last;
    this.#counts.set(listener, Math.max(this.#counts.peek(listener) ?? 0, floor));
  }

  read(listener: number | null, tokens: number): void {
    this.#add(listener, WEIGHTS.read * tokens);
  }

  wrote(listener: number | null): void {
    this.#add(listener, WEIGHTS.written);
  }

  /** A listener's last draft has ended. */
  leave(listener: number | null): void {
    if (listener !== null) this.#last = this.of(listener);
  }

  #add(listener: number | null, cost: number): void {
    if (listener !== null) this.#counts.set(listener, this.of(listener) + cost);
  }
}
