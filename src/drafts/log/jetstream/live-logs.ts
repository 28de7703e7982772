import type { LogEntry } from '../log-events.ts';
import type { EntriesWanted } from '../log-store.ts';
import { LogTail } from '../log-tail.ts';

/** Number of entries kept of each followed log. */
const KEPT = 512;
/** A log that has not been read for this long is no longer followed. */
const UNREAD_MS = 10_000;

/** The entry after which a log is followed. */
export interface Head {
  sequence: number;
  /** Null if it is unknown. */
  epoch: number | null;
  streamSequence: number;
}

export interface LiveLogsOptions {
  /** Starts to push what comes after a head. */
  follow: (
    draftId: string,
    after: Head,
    handlers: { onEntries: (entries: readonly LogEntry[], isEnd: boolean) => void; onEnd: () => void },
  ) => Promise<{ stop: () => void }>;
  /** Called if there is something new, or if the log must be read again. */
  wake: (draftId: string) => void;
}

interface Live {
  tail: LogTail;
  /** Whether it has been read since the last check. */
  isRead: boolean;
  stop: () => void;
}

/**
 * Follows logs as they grow: new entries are pushed and kept, so that readers are served from memory. What is not in
 * memory must be read from the log. A reader that was told there is nothing more is woken when there is.
 */
export class LiveLogs implements Disposable {
  readonly #options: LiveLogsOptions;
  readonly #logs = new Map<string, Live>();
  readonly #looks: NodeJS.Timeout;

  constructor(options: LiveLogsOptions) {
    this.#options = options;
    this.#looks = setInterval(() => this.#leaveUnread(), UNREAD_MS).unref();
  }

  /** The entries after a position. Null if they must be read from the log. */
  read({ draftId, after, epoch, limit }: EntriesWanted): LogEntry[] | null {
    const live = this.#logs.get(draftId);
    if (!live) return null;
    live.isRead = true;
    return live.tail.after(after, epoch, limit);
  }

  /** Whether the log is followed and that entry has come. */
  hasReached(draftId: string, sequence: number): boolean {
    const live = this.#logs.get(draftId);
    return live !== undefined && live.tail.last >= sequence;
  }

  /** Follows a log from its end on, unless it is followed already. */
  begin(draftId: string, head: Head): void {
    if (this.#logs.has(draftId)) return;
    const live: Live = { tail: new LogTail(head, KEPT), isRead: true, stop: () => undefined };
    this.#logs.set(draftId, live);
    const following = this.#options.follow(draftId, head, {
      onEntries: (entries, isEnd) => this.#take(draftId, live, entries, isEnd),
      onEnd: () => this.#leave(draftId, live),
    });
    live.stop = () => void following.then(({ stop }) => stop()).catch(() => undefined);
    following.catch(() => this.#leave(draftId, live));
  }

  forget(draftId: string): void {
    const live = this.#logs.get(draftId);
    if (live) this.#leave(draftId, live);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looks);
    for (const { stop } of this.#logs.values()) stop();
    this.#logs.clear();
  }

  #take(draftId: string, live: Live, entries: readonly LogEntry[], isEnd: boolean): void {
    if (this.#logs.get(draftId) !== live || entries.length === 0) return;
    if (entries[0]?.sequence !== live.tail.last + 1) {
      this.#leave(draftId, live);
      return;
    }
    live.tail.add(entries);
    // A draft that is continued is followed again.
    if (isEnd) this.#leave(draftId, live);
    else this.#options.wake(draftId);
  }

  #leave(draftId: string, live: Live): void {
    live.stop();
    if (this.#logs.get(draftId) !== live) return;
    this.#logs.delete(draftId);
    this.#options.wake(draftId);
  }

  #leaveUnread(): void {
    for (const [draftId, live] of this.#logs) {
      if (live.isRead) live.isRead = false;
      else this.#leave(draftId, live);
    }
  }
}
