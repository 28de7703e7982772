import type { Mode } from '../abc/key.ts';

/**
 * What a tune is to be, bar by bar: plain data, so that it can be stored and passed to the writer's thread. Bar lines
 * and returning bars are part of it, and the model writes what is in between.
 */
export interface TunePlan {
  readonly tonic: string;
  readonly mode: Mode;
  /** Lowest and highest MIDI number. */
  readonly low: number;
  readonly high: number;
  /** The unit note length, in ticks. */
  readonly unit: number;
  /** Notes that a bar has on average, by its length: those of a whole note. Null leaves it to the model. */
  readonly notesPerWhole: number | null;
  readonly bars: readonly BarPlan[];
  /** The text behind the last bar. */
  readonly ending: string;
  /** The text that was already written to this plan. */
  readonly written: string;
}

export interface BarPlan {
  /** The text before it: bar lines and line breaks. */
  readonly before: string;
  readonly ticks: number;
  /** The text of a bar that is given. Null for one to write. */
  readonly given: string | null;
  /** It begins as an earlier bar does, for this many ticks. */
  readonly returns: { readonly bar: number; readonly ticks: number } | null;
  /** It ends on the tonic. */
  readonly closes: boolean;
}
