import type { MergeCounts, Transaction } from '../db/track-merge.ts';
import type { Clock } from '../lib/clock.ts';
import { InvalidInputError } from '../lib/errors.ts';
import type { ImportOptions } from './import-options.ts';
import type { Problem } from './lines.ts';
import type { Source } from './source.ts';

/** What an import of any format works with. */
export interface ImportContext {
  tx: Transaction;
  clock: Clock;
  progress: Progress;
  step: (text: string) => void;
  signal?: AbortSignal;
}

/** What became of an import's rows. */
export interface Outcome {
  tracks: MergeCounts;
  feedback: MergeCounts;
  newListeners: number;
  notes: string[];
}

export const nothing: MergeCounts = { created: 0, updated: 0, unchanged: 0 };

/** Counts what is read and tells those who watch; at most one message a chunk, one a bad row. */
export class Progress {
  readonly #options: ImportOptions;
  #bytes = 0;
  #totalBytes = 0;
  rows = 0;
  bad = 0;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  /** Reads the bytes of these sources, which are known beforehand so that the share that is done is. */
  expect(sources: readonly Source[]): void {
    this.#totalBytes = sources.reduce((sum, source) => sum + source.bytes, 0);
  }

  readonly read = (bytes: number): void => {
    this.#bytes += bytes;
  };

  /** @throws InvalidInputError when there have been bad rows that may not be skipped ([IMP3]) */
  checkpoint(): void {
    if (this.bad === 0 || this.#options.skipBad) return;
    const what = this.bad === 1 ? '1 row is bad' : `${this.bad} rows are bad`;
    const remedy = 'so nothing was imported. --skip-bad imports the others';
    throw new InvalidInputError(`${what} of ${this.rows}, ${remedy}`, 'path');
  }

  reject(file: string, line: number, reason: string): void {
    this.bad++;
    this.#options.onBadRow?.({ file, line, reason });
  }

  /** Makes rows of records, those that cannot be made being bad ([IMP2]). */
  accept<Item extends { line: number }, Row>(
    file: string,
    items: readonly (Item | Problem)[],
    make: (item: Item) => Row,
  ): { line: number; row: Row }[] {
    const rows: { line: number; row: Row }[] = [];
    for (const item of items) {
      this.rows++;
      try {
        if ('problem' in item) this.reject(file, item.line, item.problem);
        else rows.push({ line: item.line, row: make(item) });
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
        this.reject(file, item.line, error.message);
      }
    }
    this.#options.onProgress?.({ bytes: this.#bytes, totalBytes: this.#totalBytes, rows: this.rows });
    return rows;
  }
}
