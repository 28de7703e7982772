import { type LogEntry, type Step, stepFrom } from './log-events.ts';

/** The latest entries of one log in memory, in order and without a gap. */
export class LogTail {
  readonly #most: number;
  #entries: LogEntry[] = [];
  #last: number;

  /**
   * @param last the entry after which it begins
   * @param most entries that are kept; in between there may be twice as many
   */
  constructor(last: number, most: number) {
    this.#last = last;
    this.#most = most;
  }

  /** The log's last entry that is known here, whether it is kept or not. */
  get last(): number {
    return this.#last;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** The position after which all entries are kept. */
  get #begin(): number {
    return this.#last - this.#entries.length;
  }

  /** Where entries before these are missing, what was kept is dropped: nobody may step over a gap. */
  add(entries: readonly LogEntry[]): void {
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) return;
    if (first.sequence !== this.#last + 1) this.#entries = [];
    this.#entries.push(...entries);
    this.#last = last.sequence;
    if (this.#entries.length > 2 * this.#most) this.#entries = this.#entries.slice(-this.#most);
  }

  /** The entries after a position; null when some of them are not kept. */
  after(position: number, limit: number): LogEntry[] | null {
    const from = position - this.#begin;
    return from < 0 ? null : this.#entries.slice(from, from + limit);
  }

  /** The next event for who is at that position; null when it is not kept. */
  stepAfter(position: number, cursorAt: (sequence: number) => string): Step | null {
    const from = position - this.#begin;
    return from < 0 ? null : stepFrom(this.#entries, from, cursorAt);
  }

  /** Drops the entries up to a position, and what there is above `most`. */
  drop(position: number): void {
    const from = Math.max(position - this.#begin, this.#entries.length - this.#most);
    if (from > 0) this.#entries = this.#entries.slice(from);
  }
}
