import { asError } from '../errors.ts';

/**
 * A poll's answer if it has no item: LATER means that it calls back when there may be one, OVER that polling has ended.
 */
export const LATER = Symbol('later');
export const OVER = Symbol('over');
export type Polled<Item> = Item | typeof LATER | typeof OVER;

/**
 * An iterator that can be read without promises. With a thousand readers of one event, a promise for each costs as much
 * as all other work for them.
 */
export interface PollableIterator<Item> extends AsyncIterableIterator<Item> {
  /**
   * The next item if it is available. After LATER, `ready` is called once; after OVER, `next` says how the iterator
   * ended.
   */
  poll(ready: () => void): Polled<Item>;
}

export const isPollable = <Item>(items: AsyncIterator<Item>): items is PollableIterator<Item> => 'poll' in items;

/**
 * Runs an async generator that ends at once, even while it waits. A plain one handles `return()` only after its pending
 * `await` settles. Leaving the loop, an abort of the outer signal and the generator's own end all abort the signal that
 * it receives, so that everything acquired under that signal is released.
 */
export function abortable<Item>(
  outer: AbortSignal | undefined,
  generate: (signal: AbortSignal) => AsyncGenerator<Item, void>,
): AsyncIterableIterator<Item> {
  const inner = new AbortController();
  const signal = outer ? AbortSignal.any([outer, inner.signal]) : inner.signal;
  const items = generate(signal);
  return new AbortableIterator(items, signal, inner);
}

class AbortableIterator<Item> implements AsyncIterableIterator<Item> {
  readonly #items: AsyncGenerator<Item, void>;
  readonly #signal: AbortSignal;
  readonly #inner: AbortController;

  constructor(items: AsyncGenerator<Item, void>, signal: AbortSignal, inner: AbortController) {
    this.#items = items;
    this.#signal = signal;
    this.#inner = inner;
  }

  next(): Promise<IteratorResult<Item>> {
    return new Promise((resolve, reject) => {
      const abort = () => resolve(done);
      if (this.#signal.aborted) {
        abort();
        return;
      }
      this.#signal.addEventListener('abort', abort, { once: true });
      this.#items.next().then(
        (result) => {
          this.#signal.removeEventListener('abort', abort);
          resolve(result.done ? done : result);
          if (result.done) this.#inner.abort();
        },
        (error: unknown) => {
          this.#signal.removeEventListener('abort', abort);
          reject(asError(error));
          this.#inner.abort();
        },
      );
    });
  }

  return(): Promise<IteratorResult<Item>> {
    this.#inner.abort();
    // Lets the generator's own `finally` run. Nobody is left to hear of a failure in it.
    void this.#items.return().catch(() => undefined);
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };
