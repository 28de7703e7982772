import type { LogNews, LogPlace, UpdateRow } from '../../db/documents/update-queries.ts';
import { Bell } from '../../lib/async/bell.ts';
import { retry } from '../../lib/async/retry.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { noSuchDocument } from '../contract.ts';
import { documentKey } from '../wakeup-keys.ts';

/** Number of updates kept for readers that have not taken them yet. One that is further behind reads the log. */
const WINDOW = 256;
const BACKOFF = { firstMs: 100, longestMs: 2_000 };
/** Of one event, beyond its first update. */
const MOST_UPDATES = 64;
const MOST_BYTES = 128 * 1024;

/** Some updates of a log, for a reader that has all before them. */
export interface TailStep {
  readonly updates: readonly Uint8Array[];
  readonly end: LogPlace;
}

/** New updates of a log after a position; null if the document is gone. */
export type ReadNews = (after: number) => Promise<LogNews | null>;

/**
 * The end of one document's log in this process, read once for all its readers. Those at the same position get the same
 * step object, so that what is derived from it is made once for all of them.
 */
export class DocumentTail {
  readonly #documentId: string;
  readonly #read: ReadNews;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #woken: AsyncIterableIterator<void>;
  /** Rings when readers are to look again. */
  readonly bell = new Bell();
  /** The update before the window, and those in it. */
  #before: LogPlace;
  #window: UpdateRow[] = [];
  /** The next step by the position before it, as of the current end. */
  #steps = new Map<number, TailStep>();
  #failure: Error | null = null;
  /** Goes up whenever the log did not go on from where it was. */
  #resets = 0;

  constructor(documentId: string, end: LogPlace, wakeups: Wakeups, read: ReadNews, logger: Logger) {
    this.#documentId = documentId;
    this.#before = end;
    this.#read = read;
    this.#logger = logger;
    this.#woken = wakeups.watch(documentKey(documentId), this.#closing.signal);
    void onEach(this.#woken, () => this.#update());
  }

  close(): void {
    this.#closing.abort();
  }

  get end(): LogPlace {
    return this.#window.at(-1) ?? this.#before;
  }

  /** What follows a position; `later` if that is the end; `elsewhere` if it is not in the window. @throws NotFoundError */
  after(place: LogPlace): TailStep | 'later' | 'elsewhere' {
    if (this.#failure) throw this.#failure;
    const index = place.sequence - this.#before.sequence;
    const row = index === 0 ? this.#before : this.#window[index - 1];
    if (row?.mark !== place.mark || row.sequence !== place.sequence)
      return this.#isAhead(place) ? 'later' : 'elsewhere';
    if (index === this.#window.length) return 'later';
    const step = this.#steps.get(place.sequence) ?? stepOf(this.#window.slice(index));
    this.#steps.set(place.sequence, step);
    return step;
  }

  get resets(): number {
    return this.#resets;
  }

  /** A reader may have read the log before this tail has. */
  #isAhead({ sequence }: LogPlace): boolean {
    return sequence > this.end.sequence;
  }

  async #update(): Promise<void> {
    const { signal } = this.#closing;
    const onFailure = (error: unknown): void =>
      this.#logger.warn({ err: error, documentId: this.#documentId }, 'a document cannot be read; trying again');
    try {
      while (await retry(() => this.#readMore(), { backoff: BACKOFF, signal, onFailure }));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** @returns whether there may be more */
  async #readMore(): Promise<boolean> {
    const { sequence, mark } = this.end;
    const news = await this.#read(sequence);
    if (!news) this.#failure = noSuchDocument(this.#documentId);
    else if (!this.#take(news, { sequence, mark })) this.#startAt(news);
    this.bell.ring();
    return news !== null && this.end.sequence < news.sequence;
  }

  /** @returns false if the log does not go on from here: it was compacted, or has lost its end in a restore */
  #take({ sequence, mark, updates }: LogNews, end: LogPlace): boolean {
    if (sequence === end.sequence && mark === end.mark) return true;
    const news = updates.filter((row) => row.sequence > end.sequence);
    const last = updates.find((row) => row.sequence === end.sequence);
    const goesOn = end.sequence === 0 || last?.mark === end.mark;
    if (!goesOn || news[0]?.sequence !== end.sequence + 1) return false;
    this.#window.push(...news);
    const gone = this.#window.splice(0, Math.max(0, this.#window.length - WINDOW));
    this.#before = gone.at(-1) ?? this.#before;
    this.#steps = new Map();
    return true;
  }

  #startAt({ sequence, mark }: LogNews): void {
    this.#resets++;
    this.#before = { sequence, mark };
    this.#window = [];
    this.#steps = new Map();
  }
}

/** As many updates as one event has. */
export function stepOf(rows: readonly UpdateRow[]): TailStep {
  const updates: Uint8Array[] = [];
  let end: LogPlace = { sequence: 0, mark: 0 };
  let bytes = 0;
  for (const { update, sequence, mark } of rows) {
    bytes += update.length;
    if (updates.length > 0 && (bytes > MOST_BYTES || updates.length === MOST_UPDATES)) break;
    updates.push(update);
    end = { sequence, mark };
  }
  return { updates, end };
}
