import type { Sleep } from '../../../src/lib/clock.ts';

interface Due {
  at: number;
  order: number;
  run: () => void;
}

/** Time that passes only from one thing that is due to the next: a run with the same seed is the same run, however fast. */
export class VirtualTime {
  readonly #due: Due[] = [];
  #order = 0;
  now = 0;

  after(ms: number, run: () => void): void {
    this.#due.push({ at: this.now + ms, order: this.#order++, run });
  }

  /** @param isAlive the dead do not wake up */
  sleeper(isAlive: () => boolean): Sleep {
    return (ms, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => reject(signal?.reason as Error);
        signal?.addEventListener('abort', abort, { once: true });
        this.after(ms, () => {
          signal?.removeEventListener('abort', abort);
          if (isAlive()) resolve();
        });
      });
  }

  /** Goes on until the condition holds. @throws Error when nothing is due any more, or it takes longer than that */
  async runUntil(condition: () => boolean, mostMs: number): Promise<void> {
    for (;;) {
      // Everything that follows from what was due last happens before anything else is.
      await new Promise(setImmediate);
      if (condition()) return;
      const next = this.#takeNext();
      if (!next) throw new Error('nothing more is going to happen');
      if (next.at > mostMs) throw new Error(`not there after ${mostMs} ms`);
      this.now = next.at;
      next.run();
    }
  }

  #takeNext(): Due | undefined {
    let first = 0;
    this.#due.forEach((due, i) => {
      const best = this.#due[first] as Due;
      if (due.at < best.at || (due.at === best.at && due.order < best.order)) first = i;
    });
    return this.#due.splice(first, 1)[0];
  }
}
