import type { ModelShape } from '../compile/compile.ts';
import type { Prefix } from './kv-cache.ts';

export interface DecoderRow {
  slot: number;
  token: number;
  /** Number of tokens already in the slot, which is this token's position. */
  position: number;
}

/** The model's prediction of the next token. */
export interface Prediction {
  /** Valid until the slot's next run. */
  logits: Float32Array; // [vocab]
  /** The log-probability of the most likely token. Null if the graph does not compute it. */
  peak: number | null;
}

/** A model with its key–value cache: `slots` texts of up to `capacity` tokens, each row independent of the others. */
export interface Decoder extends AsyncDisposable {
  readonly shape: ModelShape;
  readonly slots: number;
  readonly capacity: number;
  /** Cache memory per token. */
  readonly bytesPerToken: number;
  /**
   * Processes prompt tokens in one run, into `slot` from `position` on. Use `decode` for a single token: attention
   * computes it by another path whose last bits differ.
   * @returns the prediction after the last token
   */
  prefill(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Prediction>;
  /**
   * Processes one token per row. The rows' slots must differ.
   * @returns the prediction for each row, in the same order
   */
  decode(rows: readonly DecoderRow[], signal?: AbortSignal): Promise<readonly Prediction[]>;
  /** Copies the first `length` tokens of one slot to another. No run may be in progress. */
  copy(from: number, to: number, length: number): void;
  /** Copies the first `length` tokens out of a slot, to be restored into any. No run may be in progress. */
  save(slot: number, length: number): Prefix;
  restore(prefix: Prefix, slot: number, length: number): void;
}
