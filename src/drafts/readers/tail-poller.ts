import type { Logger } from '../../lib/log.ts';
import type { LogEntry } from '../log/log-events.ts';
import type { EntriesWanted } from '../log/log-store.ts';

/** Drafts whose news are read at once. */
const MOST = 256;
const RETRY_MS = { first: 100, most: 2_000 };

/** Whoever waits at a log's end. */
export interface PolledTail {
  /** What would be new to it. */
  readonly wanted: EntriesWanted;
  readonly isClosed: boolean;
  /** Is handed what there is, which may be nothing. */
  take(entries: readonly LogEntry[]): void;
}

/** Reads, for each wanted, the entries or why they cannot be had now. */
export type ReadNewEntries = (wanted: readonly EntriesWanted[]) => Promise<(LogEntry[] | Error)[]>;

/**
 * What is new in the logs that are followed in this process. Whoever was woken in one turn of the event loop, and while a read is
 * under way, is read for together: a step of hundreds of drafts is one statement, and no promise a draft.
 */
export class TailPoller {
  readonly #read: ReadNewEntries;
  readonly #logger: Logger;
  #waiting: Set<PolledTail> = new Set();
  #isReading = false;
  #retryMs = RETRY_MS.first;

  constructor(read: ReadNewEntries, logger: Logger) {
    this.#read = read;
    this.#logger = logger;
  }

  /** Reads for it from now on: what was read before does not count. */
  want(reader: PolledTail): void {
    this.#waiting.add(reader);
    if (this.#isReading) return;
    this.#isReading = true;
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      const waiting = [...this.#waiting];
      const readers = waiting.slice(0, MOST);
      this.#waiting = new Set(waiting.slice(MOST));
      const answers = await this.#answersFor(readers);
      const failed = readers.filter((reader, i) => {
        const answer = answers[i];
        if (Array.isArray(answer)) reader.take(answer);
        return !Array.isArray(answer);
      });
      const [error] = answers.filter((answer) => answer instanceof Error);
      if (error) this.#tryAgain(failed, error);
      else this.#retryMs = RETRY_MS.first;
    }
    this.#isReading = false;
  }

  async #answersFor(readers: readonly PolledTail[]): Promise<(LogEntry[] | Error)[]> {
    try {
      return await this.#read(readers.map(({ wanted }) => wanted));
    } catch (error) {
      return readers.map(() => (error instanceof Error ? error : new Error(String(error))));
    }
  }

  /** While the database is away the readers wait, as the draft does ([LOG4]); who can be read for does not wait with them. */
  #tryAgain(readers: readonly PolledTail[], error: Error): void {
    this.#logger.warn({ err: error, drafts: readers.length }, 'draft logs cannot be read; trying again');
    const again = (): void => readers.filter(({ isClosed }) => !isClosed).forEach((reader) => this.want(reader));
    setTimeout(again, this.#retryMs).unref();
    this.#retryMs = Math.min(RETRY_MS.most, this.#retryMs * 2);
  }
}
