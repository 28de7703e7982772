import type { ModelShape } from '../compile/compile.ts';
import type { Prefix } from './kv-cache.ts';

export interface DecoderRow {
  slot: number;
  token: number;
  /** Tokens already in the slot: where this one goes. */
  position: number;
}

/** What the model makes of what may come next. */
export interface Prediction {
  /** Valid until the slot's next run. */
  logits: Float32Array; // [vocab]
  /** The log-probability of the likeliest token; null where the graph does not say. */
  peak: number | null;
}

/** A model with its key–value cache: `slots` texts of up to `capacity` tokens, each row independent of the others. */
export interface Decoder extends AsyncDisposable {
  readonly shape: ModelShape;
  readonly slots: number;
  readonly capacity: number;
  /** What a token takes in the cache. */
  readonly bytesPerToken: number;
  /**
   * Takes prompt tokens into `slot` from `position` on, in one run. A single token is a decode step's work: attention
   * computes it by another path, whose last bits differ.
   * @returns what comes after the last token
   */
  prefill(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Prediction>;
  /**
   * Takes one token per row. Rows' slots must differ.
   * @returns what comes after each row, in the rows' order
   */
  decode(rows: readonly DecoderRow[], signal?: AbortSignal): Promise<readonly Prediction[]>;
  /** Makes the first `length` tokens of one slot those of another too. No run may be under way. */
  copy(from: number, to: number, length: number): void;
  /** Takes the first `length` tokens of a slot out, to be restored into any. No run may be under way. */
  save(slot: number, length: number): Prefix;
  restore(prefix: Prefix, slot: number, length: number): void;
}
