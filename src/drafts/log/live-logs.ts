import type { LogEntry } from './log-events.ts';

/** Entries that are kept of a log that is followed. */
const KEPT = 512;
/** A log that nobody has read for so long is followed no more. */
const UNREAD_MS = 10_000;

/** Where a log begins to be followed: right after that entry. */
export interface Head {
  sequence: number;
  place: number;
}

export interface LiveLogsOptions {
  /** Begins to push what comes after a head. */
  follow: (
    draftId: string,
    after: Head,
    handlers: { onEntries: (entries: readonly LogEntry[], isEnd: boolean) => void; onEnd: () => void },
  ) => Promise<{ stop: () => void }>;
  /** There is something new, or what there is has to be asked for again. */
  wake: (draftId: string) => void;
}

interface Live {
  entries: LogEntry[];
  sequence: number;
  /** Read since the last look. */
  isRead: boolean;
  stop: () => void;
}

/**
 * Logs that are read as they grow: what comes is pushed to us and kept, so that readers are answered from memory. What is not
 * known here is for the log itself to answer; who was told that there is nothing more is woken when there is.
 */
export class LiveLogs implements Disposable {
  readonly #options: LiveLogsOptions;
  readonly #logs = new Map<string, Live>();
  readonly #looks: NodeJS.Timeout;

  constructor(options: LiveLogsOptions) {
    this.#options = options;
    this.#looks = setInterval(() => this.#leaveUnread(), UNREAD_MS).unref();
  }

  /** The entries after a sequence number; null when the log itself has to be asked. */
  read(draftId: string, after: number, limit: number): LogEntry[] | null {
    const live = this.#logs.get(draftId);
    if (!live) return null;
    live.isRead = true;
    const first = live.sequence - live.entries.length;
    return after < first ? null : live.entries.slice(after - first, after - first + limit);
  }

  /** The last entry that is known; null when the log is not followed. */
  sequenceOf(draftId: string): number | null {
    return this.#logs.get(draftId)?.sequence ?? null;
  }

  /** Follows a log from its end on, unless that is done already. */
  begin(draftId: string, head: Head): void {
    if (this.#logs.has(draftId)) return;
    const live: Live = { entries: [], sequence: head.sequence, isRead: true, stop: () => undefined };
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
    if (entries[0]?.sequence !== live.sequence + 1) {
      this.#leave(draftId, live);
      return;
    }
    live.entries.push(...entries);
    live.sequence += entries.length;
    if (live.entries.length > 2 * KEPT) live.entries.splice(0, live.entries.length - KEPT);
    // One that is continued is followed anew.
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
