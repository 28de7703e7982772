import type { MergeCounts } from '../db/queries/track-merge.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import type { Renames } from './reading/columns.ts';

/** Exports of one person's listening: they name no listener, and their tracks are made from artist and title. */
export const personalFormats = ['spotify', 'listenbrainz', 'lastfm-csv'] as const;
export type PersonalFormat = (typeof personalFormats)[number];

export const importFormats = ['tracks', 'feedback', ...personalFormats, 'lastfm-2k', 'sequences'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** A row that was not taken, with its place in the file and what is wrong with it. */
export interface BadRow {
  file: string;
  /** From 1, the header being a line too. */
  line: number;
  reason: string;
}

/** Rows that a format's rules leave out, e.g. podcasts: neither bad nor imported. */
export interface LeftOutCount {
  rule: string;
  rows: number;
}

/** What one person's export came to: all that is in it, whether it is new or was there. */
export interface Heard {
  listener: string;
  plays: number;
  tracks: number;
  artists: number;
  /** Tracks of the catalogue that the listener has no reaction to. */
  unheard: number;
}

export interface ImportReport {
  /** Rows read, good, bad and left out, of all files; headers and blank lines are not rows. */
  rows: number;
  bad: number;
  leftOut: readonly LeftOutCount[];
  /** What became of the tracks and of the listening: created, changed, or found as it was. */
  tracks: MergeCounts;
  feedback: MergeCounts;
  /** Listeners whom the catalogue had not seen before. */
  newListeners: number;
  /** Of the formats for one listener. */
  heard: Heard | null;
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
  /** One; formats for one listener take several, which may overlap. */
  paths: readonly string[];
  /** The external id of the listener whose export it is: for these formats needed, for the others of no meaning. */
  listener?: string;
  /** What the file calls the columns of `tracks` and `feedback`, as far as it calls them otherwise. */
  renames?: Renames;
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
