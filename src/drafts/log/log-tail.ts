import { type LogEntry, type LogPosition, type Step, stepFrom } from './log-events.ts';

/** The latest entries of one log in memory, in order and without a gap. */
export class LogTail {
  readonly #most: number;
  #entries: LogEntry[] = [];
  #last: number;
  /** The epoch of the entry before those that are kept. Null if it is unknown. */
  #epochBefore: number | null;

  /**
   * @param last the entry after which it begins, and its epoch (null if it is unknown)
   * @param most entries that are kept; in between there may be twice as many
   */
  constructor(last: { sequence: number; epoch: number | null }, most: number) {
    this.#last = last.sequence;
    this.#epochBefore = last.epoch;
    this.#most = most;
  }

  /** The log's last entry that is known here, whether it is kept or not. */
  get last(): number {
    return this.#last;
  }

  /** The epoch of the last entry. Null if it is unknown. */
  get lastEpoch(): number | null {
    return this.#entries.at(-1)?.epoch ?? this.#epochBefore;
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
    if (first.sequence !== this.#last + 1) {
      this.#entries = [];
      this.#epochBefore = null;
    }
    this.#entries.push(...entries);
    this.#last = last.sequence;
    if (this.#entries.length > 2 * this.#most) this.#dropFirst(this.#entries.length - this.#most);
  }

  /**
   * The entries after a position. Null when some of them are not kept, or when it is not known that the log has that
   * position.
   * @param epoch the epoch of the entry there; null if it is not to be compared
   */
  after(position: number, epoch: number | null, limit: number): LogEntry[] | null {
    const from = this.#indexAfter(position, epoch);
    return from < 0 ? null : this.#entries.slice(from, from + limit);
  }

  /** The next event for who is at that position; null when it is not kept, or not known to follow. */
  stepAfter({ sequence, epoch }: LogPosition, cursorAt: (position: LogPosition) => string): Step | null {
    const from = this.#indexAfter(sequence, epoch);
    return from < 0 ? null : stepFrom(this.#entries, from, cursorAt);
  }

  /** Drops the entries up to a position, and what there is above `most`. */
  drop(position: number): void {
    const from = Math.max(position - this.#begin, this.#entries.length - this.#most);
    if (from > 0) this.#dropFirst(Math.min(from, this.#entries.length));
  }

  #dropFirst(length: number): void {
    this.#epochBefore = this.#entries[length - 1]?.epoch ?? null;
    this.#entries = this.#entries.slice(length);
  }

  /** Negative where there is none. */
  #indexAfter(position: number, epoch: number | null): number {
    const from = position - this.#begin;
    if (epoch === null) return from;
    const known = from === 0 ? this.#epochBefore : this.#entries[from - 1]?.epoch;
    return known === epoch ? from : -1;
  }
}
