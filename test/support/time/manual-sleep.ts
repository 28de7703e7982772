import type { Sleep } from '../../../src/lib/clock.ts';

/** Time that passes when the test says so: each `pass` ends what was being slept, however long it was to last. */
export class ManualSleep {
  readonly #sleepers = new Set<() => void>();

  readonly sleep: Sleep = (_, signal) =>
    new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = (): void => {
        this.#sleepers.delete(wake);
        reject(signal?.reason as Error);
      };
      this.#sleepers.add(wake);
      signal?.addEventListener('abort', abort, { once: true });
    });

  /** Lets everybody who sleeps go on. */
  pass(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }
}
