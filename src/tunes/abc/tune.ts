import type { BarLine } from './bar-line.ts';
import type { Key } from './key.ts';
import type { Metre } from './metre.ts';
import type { TuneProblem } from './problems.ts';

/** A note, a chord or a rest. */
export interface TuneNote {
  /** MIDI numbers in the order written: none for a rest, several for a chord. */
  readonly pitches: readonly number[];
  /** Ticks from the bar's start. */
  readonly start: number;
  readonly ticks: number;
  /** It sounds on into the next note. */
  readonly tied: boolean;
  /** It is under a slur that began before it. */
  readonly slurred: boolean;
  /** MIDI numbers of the grace notes before it. They take no time of the bar. */
  readonly grace: readonly number[];
}

export interface TuneBar {
  /** From 1, in the order written. A pickup is a bar. */
  readonly number: number;
  /** Its symbols between the bar lines, as positions in the text. */
  readonly from: number;
  readonly to: number;
  readonly opening: BarLine;
  readonly closing: BarLine;
  readonly notes: readonly TuneNote[];
  /** The notes' positions in the text. */
  readonly places: readonly number[];
  /** Length of its notes and rests, in ticks. */
  readonly ticks: number;
  /** Null if the metre is free. */
  readonly metre: Metre | null;
  readonly key: Key;
}

/** A tune as it was read from ABC. */
export interface Tune {
  readonly title: string;
  /** The kind of tune, for example `jig`; empty if the tune does not say it. */
  readonly rhythm: string;
  readonly key: Key;
  readonly metre: Metre | null;
  /** The unit note length, in ticks. */
  readonly unit: number;
  /** Quarter notes per minute. Null if the tune does not say it. */
  readonly tempo: number | null;
  readonly bars: readonly TuneBar[];
  readonly problems: readonly TuneProblem[];
}
