import type { MergeCounts } from '../db/catalogue/track-merge.ts';
import type { Transaction } from '../db/connection/transaction.ts';
import type { OnMerged } from '../db/imports/merge-feedback.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Counter } from '../lib/collections.ts';
import { InvalidInputError } from '../lib/errors.ts';
import type { Heard, ImportOptions, LeftOutCount } from './import-options.ts';
import { Notices } from './notices.ts';
import { noRenames, type Renames } from './reading/columns.ts';
import type { LineProblem } from './reading/lines.ts';
import type { Source } from './reading/source.ts';

/** What the import of any format works with. */
export interface ImportContext {
  tx: Transaction;
  clock: Clock;
  progress: Progress;
  notices: Notices;
  renames: Renames;
  step: (text: string) => void;
  /** Told while feedback is merged. */
  merged: OnMerged;
  signal?: AbortSignal;
}

/** Everything except the transaction, which begins later. */
export function startContext(options: ImportOptions): Omit<ImportContext, 'tx'> {
  const { clock = systemClock, renames = noRenames, onStep, onMerged, signal } = options;
  const step = (text: string): void => onStep?.(text);
  const progress = new Progress(options);
  const merged: OnMerged = (done, rows) => onMerged?.(done, rows);
  return { clock, progress, notices: new Notices(), renames, step, merged, ...(signal && { signal }) };
}

/** The result of an import's rows. */
export interface Outcome {
  tracks: MergeCounts;
  feedback: MergeCounts;
  consents?: MergeCounts;
  newListeners: number;
  heard?: Heard;
  notes: string[];
}

export const nothing: MergeCounts = { created: 0, updated: 0, unchanged: 0 };

/** A valid row that a rule leaves out. */
export class LeftOut {
  readonly rule: string;

  constructor(rule: string) {
    this.rule = rule;
  }
}

/** Counts rows and reports progress, with at most one message per chunk and one per bad row. */
class Progress {
  readonly #options: ImportOptions;
  readonly #leftOut = new Counter<string>();
  #bytes = 0;
  #totalBytes = 0;
  rows = 0;
  bad = 0;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  /** Announces the sources to read, so that the fraction that is done is known. */
  expect(sources: readonly Source[]): void {
    this.#totalBytes = sources.reduce((sum, source) => sum + source.bytes, 0);
  }

  readonly read = (bytes: number): void => {
    this.#bytes += bytes;
  };

  /** The rules that left rows out, most rows first. */
  get leftOut(): LeftOutCount[] {
    return [...this.#leftOut].map(([rule, rows]) => ({ rule, rows })).sort((a, b) => b.rows - a.rows);
  }

  /** @throws InvalidInputError if there were bad rows that may not be skipped ([IMP3]) */
  checkpoint(): void {
    if (this.bad === 0 || this.#options.skipBad) return;
    const what = this.bad === 1 ? '1 row is bad' : `${this.bad} rows are bad`;
    const remedy = 'so nothing was imported. --skip-bad imports the other rows';
    throw new InvalidInputError(`${what} of ${this.rows}, ${remedy}`, 'path');
  }

  reject(file: string, line: number, reason: string): void {
    this.bad++;
    this.#options.onBadRow?.({ file, line, reason });
  }

  /** Turns records into rows. A record that cannot be converted is bad ([IMP2]); a rule may leave one out ([IMP9]). */
  accept<Item extends { line: number }, Row>(
    file: string,
    items: readonly (Item | LineProblem)[],
    make: (item: Item) => Row | LeftOut,
  ): { line: number; row: Row }[] {
    const rows: { line: number; row: Row }[] = [];
    for (const item of items) {
      this.rows++;
      try {
        if ('problem' in item) this.reject(file, item.line, item.problem);
        else this.#take(item.line, make(item), rows);
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
        this.reject(file, item.line, error.message);
      }
    }
    this.#options.onProgress?.({ bytes: Math.round(this.#bytes), totalBytes: this.#totalBytes, rows: this.rows });
    return rows;
  }

  #take<Row>(line: number, row: Row | LeftOut, rows: { line: number; row: Row }[]): void {
    if (row instanceof LeftOut) this.#leftOut.add(row.rule);
    else rows.push({ line, row });
  }
}
