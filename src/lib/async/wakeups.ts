/**
 * "Something changed, look again": a wake-up per key that carries no data. Readers keep a cursor of their own and read
 * from it after each wake-up, so a wake-up may be coalesced or spurious, but one that follows a change is never missed
 * by a reader who was already watching (SPEC [WAKE1], [WAKE2]).
 */
export interface Wakeups {
  wake(key: string): void;
  /** The same for the watchers of this process alone. */
  wakeHere(key: string): void;
  /**
   * Yields once at the start and then after each wake-up of the key, several in a row counting as one.
   * Ends at once when the signal aborts or the iterator is returned, idle or not.
   */
  watch(key: string, signal?: AbortSignal): AsyncIterableIterator<void>;
}

/** Wake-ups within one process. */
export class LocalWakeups implements Wakeups {
  readonly #watchers = new Map<string, Set<Watcher>>();

  wake(key: string): void {
    for (const watcher of this.#watchers.get(key) ?? []) watcher.wake();
  }

  wakeHere(key: string): void {
    this.wake(key);
  }

  /** Wakes every watcher of every key: for when it is not known what was missed. */
  wakeAll(): void {
    for (const key of this.#watchers.keys()) this.wake(key);
  }

  watch(key: string, signal?: AbortSignal): AsyncIterableIterator<void> {
    const watcher = new Watcher(() => this.#remove(key, watcher), signal);
    const set = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, set.add(watcher));
    if (signal?.aborted) watcher.close();
    return watcher;
  }

  #remove(key: string, watcher: Watcher): void {
    const set = this.#watchers.get(key);
    set?.delete(watcher);
    if (set?.size === 0) this.#watchers.delete(key);
  }

  /** How many watchers there are: what a leak test counts. */
  get size(): number {
    let total = 0;
    for (const set of this.#watchers.values()) total += set.size;
    return total;
  }
}

/** A hand-written iterator, because `return()` on an idle async generator waits for its pending `await` to settle. */
class Watcher implements AsyncIterableIterator<void> {
  readonly #onClose: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.close();
  #pending = true;
  #closed = false;
  #waiting: ((result: IteratorResult<void>) => void) | null = null;

  constructor(onClose: () => void, signal?: AbortSignal) {
    this.#onClose = onClose;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  wake(): void {
    if (this.#closed) return;
    if (this.#waiting) this.#settle({ done: false, value: undefined });
    else this.#pending = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#onClose();
    this.#settle({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<void>> {
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    if (!this.#pending) return new Promise((resolve) => (this.#waiting = resolve));
    this.#pending = false;
    return Promise.resolve({ done: false, value: undefined });
  }

  return(): Promise<IteratorResult<void>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #settle(result: IteratorResult<void>): void {
    this.#waiting?.(result);
    this.#waiting = null;
  }
}
