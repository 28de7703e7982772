import { setTimeout as delay } from 'node:timers/promises';
import { isRefused, type Database } from '../db/client.ts';
import * as queries from '../db/draft-queries.ts';
import type { Clock } from '../lib/clock.ts';
import { GroupCommit } from '../lib/group-commit.ts';
import type { Logger } from '../lib/log.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import type { LogEntry, LogEvent } from './log-events.ts';

/** Entries of a draft that stay in memory after they were written, so that its live readers do not each ask the database. */
const TAIL = 512;
const READ_BATCH = 256;
const RETRY_MS = { first: 100, most: 2_000 };

export const draftKey = (draftId: string): string => `draft:${draftId}`;

/** A writer's hold on a draft: only the holder of the latest epoch may append, and only right after the last entry. */
export interface Fence {
  draftId: string;
  epoch: number;
  /** The last entry's sequence number. */
  sequence: number;
}

/** Whether an append was made, or why the database will never take it. */
type Outcome = boolean | Error;

/**
 * The log of every draft: appended to by one writer a draft, read by any number of readers, in PostgreSQL before anyone
 * sees it (SPEC [LOG1]).
 */
export class DraftLog {
  readonly #database: Database;
  readonly #wakeups: Wakeups;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tails = new Map<string, LogEntry[]>();
  readonly #commits = new GroupCommit<queries.Append, Outcome>((appends) => this.#commit(appends));

  constructor(database: Database, wakeups: Wakeups, clock: Clock, log: Logger) {
    this.#database = database;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Appends, however long the database is away: nothing that was sampled is dropped, and an append that did arrive is not
   * made twice ([LOG4]).
   * @returns the fence moved on, or null when another writer has taken the draft or it was deleted
   * @throws Error when the database will never take these events
   */
  async append(
    fence: Fence,
    events: readonly LogEvent[],
    set: queries.Append['set'],
    signal: AbortSignal,
  ): Promise<Fence | null> {
    const next = { ...fence, sequence: fence.sequence + events.length };
    for (let wait = RETRY_MS.first; ; wait = Math.min(RETRY_MS.most, wait * 2)) {
      try {
        if (!(await this.#appendOnce(fence, next, events, set))) return null;
        this.#remember(fence, events);
        this.#wakeups.wake(draftKey(fence.draftId));
        return next;
      } catch (error) {
        if (isRefused(error)) throw new Error('the text could not be kept', { cause: error });
        this.#log.warn({ err: error, draft: fence.draftId }, 'the draft log cannot be written; trying again');
        await delay(wait, undefined, { signal });
      }
    }
  }

  async #appendOnce(
    fence: Fence,
    next: Fence,
    events: readonly LogEvent[],
    set: queries.Append['set'],
  ): Promise<boolean> {
    const { draftId, epoch, sequence } = fence;
    const at = new Date(this.#clock.now());
    const outcome = await this.#commits.submit({ draftId, epoch, sequence: sequence + 1, events, set, at });
    if (outcome instanceof Error) throw outcome;
    if (outcome) return true;
    // Refused: by somebody else's fence, or because our own earlier try arrived although its answer was lost.
    const position = await queries.selectPosition(this.#database.db, draftId);
    return position?.epoch === epoch && position.sequence === next.sequence;
  }

  /** What the database will not take of one draft must not keep the others': they are then committed one by one. */
  async #commit(appends: readonly queries.Append[]): Promise<Outcome[]> {
    try {
      return await queries.appendEvents(this.#database, appends);
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (appends.length === 1) return [error as Error];
      const outcomes: Outcome[] = [];
      for (const append of appends) outcomes.push(...(await this.#commit([append])));
      return outcomes;
    }
  }

  #remember({ draftId, sequence }: Fence, events: readonly LogEvent[]): void {
    const tail = this.#tails.get(draftId) ?? [];
    if (tail.length > 0 && tail.at(-1)?.sequence !== sequence) tail.length = 0;
    tail.push(...events.map((event, i) => ({ sequence: sequence + i + 1, event })));
    if (tail.length > 2 * TAIL) tail.splice(0, tail.length - TAIL);
    this.#tails.set(draftId, tail);
  }

  /** The entries after a sequence number, at most a batch of them; from memory where they are there. */
  async read(draftId: string, after: number, limit = READ_BATCH): Promise<LogEntry[]> {
    const tail = this.#tails.get(draftId);
    const first = tail?.[0]?.sequence;
    if (tail && first !== undefined && after >= first - 1 && after < (tail.at(-1)?.sequence ?? 0)) {
      return tail.slice(after - first + 1, after - first + 1 + limit);
    }
    const rows = await queries.selectEvents(this.#database.db, draftId, after, limit);
    return rows.map((row) => ({ sequence: row.sequence, event: row.event as LogEvent }));
  }

  /** The whole log after a sequence number. */
  async readAll(draftId: string, after: number): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    for (;;) {
      const batch = await this.read(draftId, entries.at(-1)?.sequence ?? after);
      if (batch.length === 0) return entries;
      entries.push(...batch);
    }
  }

  /** Lets go of a draft's tail: when nothing is written to it any more. */
  forget(draftId: string): void {
    this.#tails.delete(draftId);
  }
}
