import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import { importWakeup, listenerKey } from '../../listeners/listeners.ts';
import type { LoadedTaste } from './load-taste.ts';
import type { KnownTaste } from './taste.ts';

const MOST_TASTES = 5_000;

type Load = (listenerId: number, known: LoadedTaste | null) => Promise<LoadedTaste>;

interface Remembered {
  loaded: Promise<LoadedTaste>;
  /** Whether something about the listener has changed since. */
  isStale: boolean;
  forget: AbortController;
}

/**
 * The tastes of recent listeners. After a change, the listener's next request updates the taste with what is new. A
 * change by this process counts in its next request; a change by another process counts when its wake-up arrives. An
 * import may change every listener.
 */
export class TasteCache implements AsyncDisposable {
  readonly #wakeups: Wakeups;
  readonly #load: Load;
  readonly #closing = new AbortController();
  readonly #tastes = new Map<number, Remembered>();

  constructor(wakeups: Wakeups, load: Load) {
    this.#wakeups = wakeups;
    this.#load = load;
    void onEach(wakeups.changes(importWakeup, this.#closing.signal), () => this.#forgetAll());
  }

  async get(listenerId: number): Promise<KnownTaste> {
    const known = this.#tastes.get(listenerId) ?? this.#remember(listenerId);
    if (known.isStale) this.#refresh(listenerId, known);
    return (await known.loaded).taste;
  }

  /** Whether the listener existed when their taste was last read. */
  async has(listenerId: number): Promise<boolean> {
    const known = this.#tastes.get(listenerId) ?? this.#remember(listenerId);
    return (await known.loaded).isThere;
  }

  #remember(listenerId: number): Remembered {
    const [oldest] = this.#tastes.keys();
    if (this.#tastes.size >= MOST_TASTES && oldest !== undefined) this.#forget(oldest);
    const state = { isStale: false, forget: new AbortController() };
    // Watching starts before reading, so that a change in between marks the taste as stale.
    const changes = this.#wakeups.changes(listenerKey(listenerId), state.forget.signal);
    void onEach(changes, () => (state.isStale = true));
    const remembered = Object.assign(state, { loaded: this.#load(listenerId, null) });
    this.#tastes.set(listenerId, remembered);
    this.#forgetWhenFailed(listenerId, remembered);
    return remembered;
  }

  #refresh(listenerId: number, remembered: Remembered): void {
    remembered.isStale = false;
    remembered.loaded = remembered.loaded.then((known) => this.#load(listenerId, known));
    this.#forgetWhenFailed(listenerId, remembered);
  }

  #forgetWhenFailed(listenerId: number, remembered: Remembered): void {
    remembered.loaded.catch(() => {
      if (this.#tastes.get(listenerId) === remembered) this.#forget(listenerId);
    });
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
