import { catalogueWakeup } from '../catalogue/catalogue.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { listenerKey } from '../listeners/listeners.ts';
import type { Taste } from './taste.ts';

/** What is known of a listener, without what is asked for now. */
export type KnownTaste = Omit<Taste, 'seedTrackIds' | 'contextText'>;

const MOST_TASTES = 5_000;

/**
 * Tastes of listeners seen lately, each until something of that listener changes. A change made by this process is seen by
 * its next request; one made by another as soon as its wake-up arrives. An import may have changed anybody's.
 */
export class TasteCache implements AsyncDisposable {
  readonly #wakeups: Wakeups;
  readonly #load: (listenerId: number) => Promise<KnownTaste>;
  readonly #closing = new AbortController();
  readonly #tastes = new Map<number, { taste: Promise<KnownTaste>; forget: AbortController }>();

  constructor(wakeups: Wakeups, load: (listenerId: number) => Promise<KnownTaste>) {
    this.#wakeups = wakeups;
    this.#load = load;
    void this.#forgetAllOnImport();
  }

  get(listenerId: number): Promise<KnownTaste> {
    const known = this.#tastes.get(listenerId);
    if (known) return known.taste;
    const [oldest] = this.#tastes.keys();
    if (this.#tastes.size >= MOST_TASTES && oldest !== undefined) this.#forget(oldest);
    return this.#remember(listenerId);
  }

  #remember(listenerId: number): Promise<KnownTaste> {
    const forget = new AbortController();
    // Watching comes before reading: what changes in between makes us forget.
    void this.#forgetOnChange(listenerId, forget.signal);
    const taste = this.#load(listenerId);
    this.#tastes.set(listenerId, { taste, forget });
    taste.catch(() => {
      if (this.#tastes.get(listenerId)?.forget === forget) this.#forget(listenerId);
    });
    return taste;
  }

  async #forgetOnChange(listenerId: number, signal: AbortSignal): Promise<void> {
    const changes = this.#wakeups.watch(listenerKey(listenerId), signal);
    await changes.next();
    const { done } = await changes.next();
    if (!done) this.#forget(listenerId);
  }

  async #forgetAllOnImport(): Promise<void> {
    const imports = this.#wakeups.watch(catalogueWakeup, this.#closing.signal);
    await imports.next();
    for await (const _ of imports) this.#forgetAll();
  }

  #forgetAll(): void {
    for (const listenerId of [...this.#tastes.keys()]) this.#forget(listenerId);
  }

  #forget(listenerId: number): void {
    this.#tastes.get(listenerId)?.forget.abort();
    this.#tastes.delete(listenerId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#forgetAll();
    return Promise.resolve();
  }
}
