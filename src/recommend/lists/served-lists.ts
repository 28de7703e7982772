import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/client.ts';
import { isAway } from '../../db/failures.ts';
import {
  dropListStatesBefore,
  selectListsSince,
  selectServedList,
  selectServedTracks,
  type ServedListRow,
  upsertServedLists,
} from '../../db/recommend/served-list-queries.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { listFrom, listRow, pageRow, type ServedList, type ServedPage } from './stored-lists.ts';

const RESUMED_MS = 24 * 3_600_000;
const PURGE_EVERY_MS = 3_600_000;
/** Waits before a missing list is looked up again, because another process may be about to store it. */
const PATIENCE_MS = [20, 80, 200];
/** Much less than a reader needs to request another page. */
const GATHERING_MS = 10;
/**
 * Maximum number of lists that wait for an unavailable database. Beyond it the oldest can no longer be paged through.
 */
const MOST_WAITING = 1_000;

/** Lists of one listener that are looked through for the latest of a query. */
const MOST_OF_LISTENER = 20;

type Waiting = { list: ServedList; isWhole: true } | { list: ServedPage; isWhole: false };

/**
 * Served lists: complete for a day, then only their contents. They are written after the response, many in one
 * statement, and are found in memory until then, so that serving a list does not wait for the disk.
 */
export class ServedLists implements AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiting = new Map<string, Waiting>();
  #writing: Promise<void> | null = null;
  #purgedAt: number;

  constructor(database: Database, clock: Clock, log: Logger) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#purgedAt = -Infinity;
  }

  keep(list: ServedList): void {
    this.#write({ list, isWhole: true });
  }

  log(page: ServedPage): void {
    this.#write({ list: page, isWhole: false });
  }

  #write(waiting: Waiting): void {
    const { id, positions } = waiting.list;
    const known = this.#waiting.get(id);
    if (known && known.list.positions.length > positions.length) return;
    this.#waiting.set(id, waiting);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#writing ??= this.#writeAll();
  }

  /**
   * @param position the position up to which it was served, because a waiting list may be a shorter beginning of a
   * stored one
   */
  async find(id: string, position: number): Promise<ServedList | null> {
    const waiting = this.#waiting.get(id);
    if (waiting?.isWhole && waiting.list.positions.length >= position) return waiting.list;
    let row = await selectServedList(this.#database, id);
    for (const pause of PATIENCE_MS) {
      if (row) break;
      await delay(pause);
      row = await selectServedList(this.#database, id);
    }
    return row ? listFrom(row) : null;
  }

  /** The listener's latest lists that can be paged through, newest first. */
  async begunSince(listenerId: number, since: Date): Promise<ServedList[]> {
    const rows = await selectListsSince(this.#database, listenerId, since, MOST_OF_LISTENER);
    return Promise.all(rows.map(listFrom));
  }

  /** The tracks of the listener's recommendation lists of the last hours. */
  async recent(listenerId: number, hours: number): Promise<number[]> {
    const waiting = [...this.#waiting.values()].flatMap(({ list, isWhole }) =>
      isWhole && list.listenerId === listenerId ? [list] : [],
    );
    const since = new Date(this.#clock.now() - hours * 3_600_000);
    const stored = await selectServedTracks(this.#database, listenerId, since);
    return [...new Set([...stored, ...waiting.flatMap(({ positions }) => positions.map(({ trackId }) => trackId))])];
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      // Lists that are served within a short time are written together.
      await delay(GATHERING_MS);
      const lists = [...this.#waiting.values()];
      try {
        await this.#store(await Promise.all(lists.map(rowOf)));
      } catch (error) {
        // They stay in memory, where pages find them, and are written with the next list.
        this.#log.warn(
          { err: error, lists: lists.length },
          'Served lists could not be stored; will retry with the next ones',
        );
        break;
      }
      for (const one of lists) if (this.#waiting.get(one.list.id) === one) this.#waiting.delete(one.list.id);
    }
    this.#writing = null;
    await this.#purge();
  }

  /**
   * A list that the database refuses, because its listener was erased, must not prevent the others from being stored.
   */
  async #store(rows: readonly ServedListRow[]): Promise<void> {
    try {
      await upsertServedLists(this.#database, rows);
    } catch (error) {
      if (isAway(error)) throw error;
      for (const row of rows) {
        await upsertServedLists(this.#database, [row]).catch((refusal: unknown) => {
          if (isAway(refusal)) throw refusal;
          this.#log.warn({ err: refusal, id: row.id }, 'A served list was refused; it has no further pages');
        });
      }
    }
  }

  async #purge(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#purgedAt < PURGE_EVERY_MS) return;
    this.#purgedAt = now;
    try {
      await dropListStatesBefore(this.#database.db, new Date(this.#clock.now() - RESUMED_MS));
    } catch (error) {
      this.#log.warn({ err: error }, 'Old lists could not be shortened; will retry later');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }
}

const rowOf = async (one: Waiting): Promise<ServedListRow> => (one.isWhole ? listRow(one.list) : pageRow(one.list));
