import { setTimeout as delay } from 'node:timers/promises';
import type { TrackFilter } from '../../catalogue/catalogue.ts';
import type { Database } from '../../db/client.ts';
import { isAway } from '../../db/failures.ts';
import {
  deleteServedListsBefore,
  dropListStatesBefore,
  selectServedList,
  selectServedTracks,
  type ServedListRow,
  upsertServedLists,
} from '../../db/queries/served-list-queries.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { ReasonKind } from '../contract.ts';
import type { Taste } from '../taste/taste.ts';

/** One position of a served list: its track, with the data for attribution. */
export interface ServedPosition {
  trackId: number;
  /** The probability that it was chosen for its position, given those above it. */
  propensity: number;
  /** The kind of its main reason. */
  reason: ReasonKind;
}

/** Everything that a later page of a list needs: the data as of its beginning, and the tracks served so far. */
export interface ServedList {
  id: string;
  listenerId: number;
  modelVersion: string;
  taste: Taste;
  filter: TrackFilter | null;
  includeHeard: boolean;
  diversity: number;
  calibration: number;
  maxPerArtist: number | null;
  notServedForHours: number;
  /** Tracks of earlier lists that this one excludes. */
  servedBefore: readonly number[];
  exploration: number;
  /** In the order of their ranks. */
  positions: readonly ServedPosition[];
}

/** A page without continuation, which is stored for attribution only. */
export interface ServedPage {
  id: string;
  listenerId: number;
  modelVersion: string;
  firstRank: number;
  positions: readonly ServedPosition[];
}

const RESUMED_MS = 24 * 3_600_000;
/** Served lists are kept for attribution for this long. */
const ATTRIBUTED_MS = 90 * RESUMED_MS;
const PURGE_EVERY_MS = 3_600_000;
/** Waits before a missing list is looked up again, because another process may be about to store it. */
const PATIENCE_MS = [20, 80, 200];
/** Much less than a reader needs to request another page. */
const GATHERING_MS = 10;
/**
 * Maximum number of lists that wait for an unavailable database. Beyond it the oldest can no longer be paged through.
 */
const MOST_WAITING = 1_000;

interface Waiting {
  row: ServedListRow;
  list: ServedList | null;
}

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
    this.#write({ row: toRow(list), list });
  }

  log(page: ServedPage): void {
    this.#write({ row: toPageRow(page), list: null });
  }

  #write(waiting: Waiting): void {
    const known = this.#waiting.get(waiting.row.id);
    if (known && known.row.trackIds.length > waiting.row.trackIds.length) return;
    this.#waiting.set(waiting.row.id, waiting);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING && oldest !== undefined) this.#waiting.delete(oldest);
    this.#writing ??= this.#writeAll();
  }

  /**
   * @param position the position up to which it was served, because a waiting list may be a shorter beginning of a
   * stored one
   */
  async find(id: string, position: number): Promise<ServedList | null> {
    const waiting = this.#waiting.get(id)?.list;
    if (waiting && waiting.positions.length >= position) return waiting;
    let row = await selectServedList(this.#database.db, id);
    for (const pause of PATIENCE_MS) {
      if (row) break;
      await delay(pause);
      row = await selectServedList(this.#database.db, id);
    }
    return row ? fromRow(row) : null;
  }

  /** The tracks of the listener's recommendation lists of the last hours. */
  async recent(listenerId: number, hours: number): Promise<number[]> {
    const waiting = [...this.#waiting.values()].flatMap(({ list }) => (list?.listenerId === listenerId ? [list] : []));
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
        await this.#store(lists.map(({ row }) => row));
      } catch (error) {
        // They stay in memory, where pages find them, and are written with the next list.
        this.#log.warn(
          { err: error, lists: lists.length },
          'Served lists could not be stored; will retry with the next ones',
        );
        break;
      }
      for (const list of lists) if (this.#waiting.get(list.row.id) === list) this.#waiting.delete(list.row.id);
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
    const ago = (ms: number) => new Date(this.#clock.now() - ms);
    try {
      await deleteServedListsBefore(this.#database.db, ago(ATTRIBUTED_MS));
      await dropListStatesBefore(this.#database.db, ago(RESUMED_MS));
    } catch (error) {
      this.#log.warn({ err: error }, 'Old lists could not be removed; will retry later');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }
}

function toRow({ id, listenerId, modelVersion, positions, ...state }: ServedList): ServedListRow {
  return { id, listenerId, modelVersion, surface: 'RECOMMENDATIONS', firstRank: 1, ...columnsOf(positions), state };
}

function toPageRow({ positions, ...page }: ServedPage): ServedListRow {
  return { ...page, surface: 'SIMILAR', ...columnsOf(positions), state: null };
}

const columnsOf = (positions: readonly ServedPosition[]) => ({
  trackIds: positions.map(({ trackId }) => trackId),
  propensities: positions.map(({ propensity }) => propensity),
  reasons: positions.map(({ reason }) => reason),
});

/** Defaults for lists that were stored before these options existed. */
const unsaid = { exploration: 0, calibration: 0, maxPerArtist: null, notServedForHours: 0, servedBefore: [] };
type StoredState = Omit<ServedList, 'id' | 'listenerId' | 'modelVersion' | 'positions' | keyof typeof unsaid>;

/** Trusted, because this process or another of the same version wrote it. */
export function fromRow({ id, listenerId, modelVersion, state, ...columns }: ServedListRow): ServedList {
  const positions = columns.trackIds.map((trackId, i): ServedPosition => {
    return { trackId, propensity: columns.propensities[i] ?? 1, reason: columns.reasons[i] ?? 'NONE' };
  });
  return { id, listenerId, modelVersion, ...unsaid, ...(state as StoredState), positions };
}
