import { waitAfter } from '../../lib/async/retry.ts';
import { type Sleep, systemSleep } from '../../lib/clock.ts';
import { asError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { StoredDataError } from '../../lib/stored-data.ts';
import type { LogEntry } from '../log/log-events.ts';
import { DivergedError, type EntriesWanted, STORE_BACKOFF } from '../log/log-store.ts';

/** Maximum number of drafts read at once. */
const MOST = 256;

/** A tail that waits at its log's end. */
export interface PolledTail {
  /** The entries that it waits for. */
  readonly wanted: EntriesWanted;
  readonly isClosed: boolean;
  /** Takes the new entries, of which there may be none. */
  take(entries: readonly LogEntry[]): void;
  /** Its log does not have the entry that it waited after. */
  diverge(wanted: EntriesWanted): void;
  /** Its log will never be readable. */
  fail(error: StoredDataError): void;
}

/** Returns for each request the entries, or why they are unavailable now. */
export type ReadNewEntries = (wanted: readonly EntriesWanted[]) => Promise<(LogEntry[] | Error)[]>;

/**
 * Reads the new entries of the logs that are followed in this process. All tails that are woken in one turn of the
 * event loop, or during a read, are read together: a step of hundreds of drafts is one statement, without a promise for
 * each draft.
 */
export class TailPoller {
  readonly #read: ReadNewEntries;
  readonly #logger: Logger;
  readonly #sleep: Sleep;
  #waiting: Set<PolledTail> = new Set();
  #isReading = false;
  /** Number of consecutive failed reads. */
  #failures = 0;

  constructor(read: ReadNewEntries, logger: Logger, sleep: Sleep = systemSleep) {
    this.#read = read;
    this.#logger = logger;
    this.#sleep = sleep;
  }

  /** Reads for this tail from now on. A read that has already started does not count. */
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
      const wanted = readers.map((reader) => reader.wanted);
      const answers = await this.#answersFor(wanted);
      const failed = readers.filter((reader, i) => !handed(reader, wanted[i], answers[i]));
      const error = answers.find(isPassing);
      if (error) this.#tryAgain(failed, error);
      else this.#failures = 0;
    }
    this.#isReading = false;
  }

  async #answersFor(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]> {
    try {
      return await this.#read(wanted);
    } catch (error) {
      return wanted.map(() => asError(error));
    }
  }

  /**
   * While the database is unavailable, readers wait as the draft does ([LOG4]). Those that can be served do not wait
   * with them.
   */
  #tryAgain(readers: readonly PolledTail[], error: Error): void {
    this.#logger.warn({ err: error, drafts: readers.length }, 'draft logs cannot be read; trying again');
    const again = (): void => readers.filter(({ isClosed }) => !isClosed).forEach((reader) => this.want(reader));
    void this.#sleep(waitAfter(this.#failures++, STORE_BACKOFF)).then(again);
  }
}

const isPassing = (answer: LogEntry[] | Error): answer is Error =>
  answer instanceof Error && !(answer instanceof StoredDataError) && !(answer instanceof DivergedError);

/** @returns false where it has to be read again */
function handed(
  reader: PolledTail,
  wanted: EntriesWanted | undefined,
  answer: LogEntry[] | Error | undefined,
): boolean {
  if (answer instanceof StoredDataError) reader.fail(answer);
  else if (answer instanceof DivergedError && wanted) reader.diverge(wanted);
  else if (Array.isArray(answer)) reader.take(answer);
  else return false;
  return true;
}
