import type { Sampling } from '../contract.ts';
import { RepeatedRuns } from './repeated-runs.ts';
import type { TokenBias } from './token-bias.ts';

/** Number of tokens that penalties look back on. With a longer window, long texts avoid "the" and full stops. */
export const PENALTY_WINDOW = 64;

/**
 * Changes the scores of the tokens that occurred recently or are biased, and lists them ([GEN3]). The repetition
 * penalty (Keskar et al. 2019, CTRL) divides a positive score and multiplies a negative one, once however often the
 * token occurred. Then presence subtracts a constant, frequency the same amount per occurrence, what would go on with a
 * repetition loses by its length, and biases are added.
 */
export class Penalties {
  /** The affected tokens, each once, in the first `count` elements. */
  readonly ids: Int32Array; // [vocab]
  count = 0;
  readonly #exempt: ReadonlySet<number>;
  // All [vocab], and 0 between calls.
  readonly #listed: Uint8Array;
  readonly #occurrences: Uint8Array;
  readonly #biases: Float64Array;
  readonly #runs: RepeatedRuns;

  /** @param exempt tokens that penalties ignore */
  constructor(vocab: number, exempt: ReadonlySet<number>) {
    this.#exempt = exempt;
    this.ids = new Int32Array(vocab);
    this.#listed = new Uint8Array(vocab);
    this.#occurrences = new Uint8Array(vocab);
    this.#biases = new Float64Array(vocab);
    this.#runs = new RepeatedRuns(vocab, exempt);
  }

  /** Finds the affected tokens. Call `apply` next. */
  find(sampling: Sampling, history: readonly number[], biases: readonly TokenBias[]): void {
    this.count = 0;
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
    if (repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0) this.#countRecent(history);
    this.#runs.find(sampling, history);
    for (let i = 0; i < this.#runs.count; i++) this.#addRun(this.#runs.ids[i] as number, sampling);
    for (const bias of biases) this.#addBias(bias, history);
  }

  apply(scores: Float32Array, { repetitionPenalty, presencePenalty, frequencyPenalty }: Sampling): void {
    for (let i = 0; i < this.count; i++) {
      const id = this.ids[i] as number;
      const occurrences = this.#occurrences[id] as number;
      let score = scores[id] as number;
      if (occurrences > 0) {
        score = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
        score -= presencePenalty + frequencyPenalty * occurrences;
      }
      scores[id] = score + (this.#biases[id] as number);
      this.#listed[id] = this.#occurrences[id] = this.#biases[id] = 0;
    }
  }

  #addRun(id: number, sampling: Sampling): void {
    this.#list(id);
    this.#biases[id] = (this.#biases[id] as number) - this.#runs.penaltyOf(id, sampling);
  }

  #countRecent(history: readonly number[]): void {
    for (let i = Math.max(0, history.length - PENALTY_WINDOW); i < history.length; i++) {
      const id = history[i] as number;
      if (this.#exempt.has(id)) continue;
      this.#list(id);
      this.#occurrences[id] = (this.#occurrences[id] as number) + 1;
    }
  }

  /**
   * The token that continues the text where it was begun. For a negative bias, only the token that completes the text.
   */
  #addBias({ tokens, bias }: TokenBias, history: readonly number[]): void {
    const last = tokens.length - 1;
    let said = last;
    while (said > 0 && !endsWith(history, tokens, said)) said--;
    const id = tokens[said];
    if (id === undefined || (bias < 0 && said < last)) return;
    this.#list(id);
    this.#biases[id] = (this.#biases[id] as number) + bias;
  }

  #list(id: number): void {
    if (this.#listed[id] !== 0) return;
    this.#listed[id] = 1;
    this.ids[this.count++] = id;
  }
}

/** Whether `history` ends with the first `count` of `tokens`. */
function endsWith(history: readonly number[], tokens: readonly number[], count: number): boolean {
  for (let i = 0; i < count; i++) if (history[history.length - count + i] !== tokens[i]) return false;
  return true;
}
