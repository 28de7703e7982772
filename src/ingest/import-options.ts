import type { MergeCounts } from '../db/track-merge.ts';
import type { Clock } from '../lib/clock.ts';
import type { Wakeups } from '../lib/wakeups.ts';

export const importFormats = ['tracks', 'feedback', 'lastfm-2k', 'sequences'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** A row that was not taken, with its place in the file and what is wrong with it. */
export interface BadRow {
  file: string;
  /** From 1, the header being a line too. */
  line: number;
  reason: string;
}

export interface ImportReport {
  /** Rows read, good and bad, of all files; headers and blank lines are not rows. */
  rows: number;
  bad: number;
  /** What became of the tracks and of the listening: created, changed, or found as it was. */
  tracks: MergeCounts;
  feedback: MergeCounts;
  /** Listeners whom the catalogue had not seen before. */
  newListeners: number;
  /** What a reader of the counts should know, one sentence each: e.g. that rows came without a time. */
  notes: readonly string[];
  seconds: number;
}

interface ImportProgress {
  bytes: number;
  totalBytes: number;
  rows: number;
}

export interface ImportOptions {
  format: ImportFormat;
  path: string;
  /** Keep the good rows; else one bad row means that nothing is imported. */
  skipBad?: boolean;
  onBadRow?: (row: BadRow) => void;
  /** Bytes read of all bytes, and rows so far; `bytes` are those of the files as they lie on disk. */
  onProgress?: (progress: ImportProgress) => void;
  /** What is being done now that the files are read. */
  onStep?: (step: string) => void;
  /** Ends the import; nothing of it stays. */
  signal?: AbortSignal;
  clock?: Clock;
  /** Woken after a successful import: the catalogue's key, upon which the recommender looks whether training is worthwhile. */
  wakeups?: Wakeups;
}
