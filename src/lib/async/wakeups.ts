/**
 * A wake-up says that something changed, and carries no data. Readers keep a cursor and read from it after each
 * wake-up. Wake-ups may be merged or spurious, but a reader that is already watching never misses one after a change
 * ([WAKE1], [WAKE2]).
 */
export interface Wakeups {
  wake(key: string): void;
  /** Wakes only the watchers of this process. */
  wakeHere(key: string): void;
  /**
   * Yields once at the start and after each wake-up of the key; several in a row count as one. Ends at once when the
   * signal aborts or the iterator is returned, even while idle.
   */
  watch(key: string, signal?: AbortSignal): AsyncIterableIterator<void>;
  /** The same without the one at the start: for what is up to date already. */
  changes(key: string, signal?: AbortSignal): AsyncIterableIterator<void>;
}

/** Acts after each wake-up, one after another. */
export async function onEach(wakeups: AsyncIterable<void>, act: () => unknown): Promise<void> {
  for await (const _ of wakeups) await act();
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

  /** Wakes every watcher of every key, for when it is unknown what was missed. */
  wakeAll(): void {
    for (const key of this.#watchers.keys()) this.wake(key);
  }

  watch(key: string, signal?: AbortSignal): AsyncIterableIterator<void> {
    return this.#add(key, signal, true);
  }

  changes(key: string, signal?: AbortSignal): AsyncIterableIterator<void> {
    return this.#add(key, signal, false);
  }

  #add(key: string, signal: AbortSignal | undefined, isPending: boolean): Watcher {
    const watcher = new Watcher(() => this.#remove(key, watcher), signal, isPending);
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

  /** Number of watchers, for leak tests. */
  get size(): number {
    let total = 0;
    for (const set of this.#watchers.values()) total += set.size;
    return total;
  }
}

/** Written by hand, because `return()` on an idle async generator waits for its pending `await` to settle. */
class Watcher implements AsyncIterableIterator<void> {
  readonly #onClose: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.close();
  #pending: boolean;
  #closed = false;
  #waiting: ((result: IteratorResult<void>) => void) | null = null;

  constructor(onClose: () => void, signal: AbortSignal | undefined, isPending: boolean) {
    this.#onClose = onClose;
    this.#pending = isPending;
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
