import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 1_000;

interface Waiting {
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/**
 * Runs a task whenever it is requested, one run at a time. All requests that arrive during a run share the next one. The
 * pause between two runs is as long as the last run, so the task never takes more than half of the event loop. A run that
 * fails is repeated.
 */
export class Refresher implements AsyncDisposable {
  readonly #task: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #closing = new AbortController();
  #waiting: Waiting[] = [];
  #asked = 0;
  #begun = 0;
  #restMs = 0;
  #running: Promise<void> | null = null;

  constructor(task: () => Promise<void>, onFailure: (error: unknown) => void) {
    this.#task = task;
    this.#onFailure = onFailure;
  }

  /** Requests a run without waiting for it. */
  want(): void {
    this.#asked += 1;
    this.#running ??= this.#run().finally(() => (this.#running = null));
  }

  /** Settles with a run that starts after this call. */
  run(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(new Error('It has ended'));
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.want();
    return done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#isWanted() && !signal.aborted) {
      this.#begun = this.#asked;
      await this.#attempt(this.#waiting.splice(0));
      if (this.#isWanted()) await this.#rest();
    }
    for (const { reject } of this.#waiting.splice(0)) reject(signal.reason);
  }

  async #attempt(waiting: readonly Waiting[]): Promise<void> {
    const beganAt = performance.now();
    try {
      await this.#task();
      this.#restMs = performance.now() - beganAt;
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      this.#restMs = RETRY_MS;
      for (const { reject } of waiting) reject(error);
      if (this.#closing.signal.aborted) return;
      this.#asked += 1;
      this.#onFailure(error);
    }
  }

  #isWanted(): boolean {
    return this.#begun < this.#asked;
  }

  #rest(): Promise<void> {
    return delay(this.#restMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }
}
