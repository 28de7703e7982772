import type { GenerationEvent } from '../contract.ts';

/**
 * A queue from the engine's loop to one reader that may be slower. Waiting tokens are joined into one event, so the
 * queue never holds more than a draft's text. It is written by hand, because `return()` on an idle async generator
 * would wait.
 */
export class EventQueue implements AsyncIterableIterator<GenerationEvent> {
  readonly #onReturn: () => void;
  readonly #events: GenerationEvent[] = [];
  #end: { failure: Error | null } | null = null;
  #waiting: PromiseWithResolversOf<IteratorResult<GenerationEvent>> | null = null;

  /** @param onReturn called if the reader leaves before the end */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  push(event: GenerationEvent): void {
    if (this.#end) return;
    if (event.type === 'finished') this.#end = { failure: null };
    if (this.#waiting) this.#settle(event);
    else this.#append(event);
  }

  /** Ends with an error. The reader gets it after the waiting events. */
  fail(failure: Error): void {
    if (this.#end) return;
    this.#end = { failure };
    this.#waiting?.reject(failure);
    if (this.#waiting) this.#end = { failure: null };
    this.#waiting = null;
  }

  next(): Promise<IteratorResult<GenerationEvent>> {
    const event = this.#events.shift();
    if (event) return Promise.resolve({ done: false, value: event });
    if (this.#end?.failure) {
      const { failure } = this.#end;
      this.#end = { failure: null };
      return Promise.reject(failure);
    }
    if (this.#end) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  return(): Promise<IteratorResult<GenerationEvent>> {
    this.#events.length = 0;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
    if (!this.#end) this.#onReturn();
    this.#end = { failure: null };
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #append(event: GenerationEvent): void {
    const last = this.#events.at(-1);
    if (last?.type !== 'tokens' || event.type !== 'tokens') {
      this.#events.push(event);
      return;
    }
    const joined = { ...event, text: last.text + event.text, tokens: [...last.tokens, ...event.tokens] };
    this.#events.splice(-1, 1, joined);
  }

  #settle(event: GenerationEvent): void {
    this.#waiting?.resolve({ done: false, value: event });
    this.#waiting = null;
  }
}

interface PromiseWithResolversOf<Value> {
  resolve: (value: Value) => void;
  reject: (reason: Error) => void;
}
