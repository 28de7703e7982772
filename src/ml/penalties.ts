import type { Sampling } from './engine.ts';

/** How far penalties look back. A longer window makes long texts avoid "the" and full stops. */
export const PENALTY_WINDOW = 64;

/** Makes what was said lately less likely: the repetition penalty of Keskar et al. 2019 (CTRL). */
export class Penalties {
  /** The tokens concerned, of which the first `count` hold. */
  readonly ids = new Int32Array(PENALTY_WINDOW);
  count = 0;
  readonly #exempt: ReadonlySet<number>;
  readonly #occurrences: Uint8Array; // [vocab], 0 between calls

  constructor(vocab: number, exempt: ReadonlySet<number>) {
    this.#exempt = exempt;
    this.#occurrences = new Uint8Array(vocab);
  }

  /** Looks up whom it concerns. */
  find({ repetitionPenalty }: Sampling, history: readonly number[]): void {
    this.count = 0;
    if (repetitionPenalty === 1) return;
    for (let i = Math.max(0, history.length - PENALTY_WINDOW); i < history.length; i++) {
      const id = history[i] as number;
      if (this.#exempt.has(id)) continue;
      if ((this.#occurrences[id] as number) === 0) this.ids[this.count++] = id;
      this.#occurrences[id] = 1;
    }
    for (let i = 0; i < this.count; i++) this.#occurrences[this.ids[i] as number] = 0;
  }

  /** Each once, however often it occurred. */
  apply(scores: Float32Array, { repetitionPenalty }: Sampling): void {
    for (let i = 0; i < this.count; i++) {
      const id = this.ids[i] as number;
      const score = scores[id] as number;
      scores[id] = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
    }
  }
}
