import type { MergeCounts } from '../db/catalogue/track-merge.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import type { Renames } from './reading/columns.ts';

/** Exports of one person's listening. They name no listener, and their tracks are created from artist and title. */
export const personalFormats = ['spotify', 'listenbrainz', 'lastfm-csv'] as const;
export type PersonalFormat = (typeof personalFormats)[number];

export const importFormats = ['tracks', 'feedback', ...personalFormats, 'lastfm-2k', 'sequences', 'consents'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** A row that was not imported, with its position in the file and the reason. */
export interface BadRow {
  file: string;
  /** Counted from 1, including the header. */
  line: number;
  reason: string;
}

/** Number of rows that a format's rule leaves out, for example podcasts: neither bad nor imported. */
export interface LeftOutCount {
  rule: string;
  rows: number;
}

/** The contents of one person's export, both new and known. */
export interface Heard {
  listener: string;
  plays: number;
  tracks: number;
  artists: number;
  /** Number of tracks in the catalogue to which the listener has no reaction. */
  unheard: number;
}

export interface ImportReport {
  /** Number of rows in all files: good, bad and left out, without headers and blank lines. */
  rows: number;
  bad: number;
  leftOut: readonly LeftOutCount[];
  /** Number of tracks and feedback events that were created, updated or unchanged. */
  tracks: MergeCounts;
  feedback: MergeCounts;
  /** Number of rows of consents that changed something, or nothing. */
  consents: MergeCounts;
  /** Number of new listeners. */
  newListeners: number;
  /** Only for formats of one listener. */
  heard: Heard | null;
  /** Remarks on the counts, one sentence each, for example that rows had no time. */
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
  /** One path. Formats of one listener accept several, whose files may overlap. */
  paths: readonly string[];
  /** The external id of the export's listener. Required for formats of one listener, ignored for others. */
  listener?: string;
  /** The file's own names for columns of `tracks`, `feedback` and `consents`. */
  renames?: Renames;
  /** Imports the good rows. Otherwise one bad row prevents the import. */
  skipBad?: boolean;
  onBadRow?: (row: BadRow) => void;
  /** Reports the bytes read, the total and the rows so far. `bytes` counts the files as stored on disk. */
  onProgress?: (progress: ImportProgress) => void;
  /** Reports the current step after the files have been read. */
  onStep?: (step: string) => void;
  /** Reports how many rows of feedback have been merged, and of how many. */
  onMerged?: (merged: number, rows: number) => void;
  /** Ends the import and discards all of it. */
  signal?: AbortSignal;
  clock?: Clock;
  /**
   * Woken after a successful import: the catalogue's key, after which the recommender checks whether training is
   * worthwhile.
   */
  wakeups?: Wakeups;
}
