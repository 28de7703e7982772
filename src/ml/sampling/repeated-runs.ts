import { i32, u8 } from '../../lib/typed-arrays.ts';
import type { Sampling } from '../contract.ts';

/** Number of tokens that are looked back on for runs, and the longest run that counts: they bound the work of a step. */
export const RUN_WINDOW = 1_024;
export const LONGEST_RUN = 50;

/**
 * The tokens that would continue a repetition, with the number of tokens that are repeated already (DRY, by p-e-w, 2024):
 * of each place where the end of the text has occurred before, the token that followed it. Control tokens end a run.
 */
export class RepeatedRuns {
  /** The tokens, each once, in the first `count` elements. */
  readonly ids: Int32Array; // [vocab]
  count = 0;
  readonly #exempt: ReadonlySet<number>;
  readonly #lengths: Uint8Array; // [vocab], the longest run before each of `ids`; 0 for others

  /** @param exempt tokens that end runs */
  constructor(vocab: number, exempt: ReadonlySet<number>) {
    this.#exempt = exempt;
    this.ids = new Int32Array(vocab);
    this.#lengths = new Uint8Array(vocab);
  }

  find({ dryMultiplier, dryAllowedLength }: Sampling, history: readonly number[]): void {
    for (let i = 0; i < this.count; i++) this.#lengths[i32(this.ids, i)] = 0;
    this.count = 0;
    if (dryMultiplier === 0) return;
    const from = Math.max(0, history.length - RUN_WINDOW);
    for (let end = history.length - 2; end >= from; end--) {
      const length = this.#runAt(history, end, from);
      if (length >= dryAllowedLength) this.#note(history[end + 1] ?? 0, length);
    }
  }

  /** What is subtracted from a token's log-odds. Multiplied step by step: a power's last bits depend on the engine. */
  penaltyOf(id: number, { dryMultiplier, dryBase, dryAllowedLength }: Sampling): number {
    let penalty = dryMultiplier;
    for (let length = u8(this.#lengths, id); length > dryAllowedLength; length--) penalty *= dryBase;
    return penalty;
  }

  /** Number of tokens that end at a place of the text and end it, too. */
  #runAt(history: readonly number[], end: number, from: number): number {
    const last = history.length - 1;
    let length = 0;
    while (length < LONGEST_RUN && end - length >= from) {
      const id = history[end - length];
      if (id === undefined || id !== history[last - length] || this.#exempt.has(id)) break;
      length++;
    }
    return length;
  }

  #note(id: number, length: number): void {
    if (this.#exempt.has(id)) return;
    const known = u8(this.#lengths, id);
    if (known === 0) this.ids[this.count++] = id;
    if (length > known) this.#lengths[id] = length;
  }
}
