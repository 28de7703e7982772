import type { KeptDays } from '../config.ts';
import { claimRetention, deleteOldFeedback, deleteOldLists, deleteOldUsage } from '../db/access/retention-queries.ts';
import type { Database } from '../db/client.ts';
import { repeat } from '../lib/async/schedule.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { AuditLog } from './audit.ts';

type Kind = keyof KeptDays;

/** What removes data of one kind from before a moment: some of it, so that no statement takes long. */
export interface Removal {
  kind: Kind;
  atOnce: number;
  /** @returns how many it removed; fewer than `most` if there are no others */
  remove: (before: Date, most: number) => Promise<number>;
}

interface Due extends Removal {
  before: Date;
}

interface RetentionOptions {
  database: Database;
  clock: Clock;
  log: Logger;
  days: KeptDays;
  removals: readonly Removal[];
}

/** A node looks this often whether it is to do the work, and one of them does it this often. */
const PERIOD_MS = 10 * 60_000;
/** A turn begins no other round of statements, one of each kind, after this long. What is left is removed in the next ones. */
const TURN_MS = 2 * 60_000;
const DAY_MS = 24 * 3_600_000;

/** Removes what has been kept for as long as configured, on one node at a time ([RETAIN1]). */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #closing = new AbortController();

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** From now on. Disposing it waits for one statement at most. */
  keep(): AsyncDisposable {
    const { log } = this.#options;
    const report = (error: unknown): void =>
      log.warn({ err: error }, 'What is old could not be removed; will retry later');
    const turn = async (): Promise<void> => {
      await this.turn();
    };
    const turns = repeat(PERIOD_MS, turn, report);
    return {
      [Symbol.asyncDispose]: () => {
        this.#closing.abort();
        return turns[Symbol.asyncDispose]();
      },
    };
  }

  /** @returns how much of each kind it removed; null if it is not this node's turn */
  async turn(): Promise<Partial<Record<Kind, number>> | null> {
    const { database, clock, log } = this.#options;
    if (!(await claimRetention(database, PERIOD_MS))) return null;
    const removed: Partial<Record<Kind, number>> = {};
    const end = clock.monotonic() + TURN_MS;
    let left = this.#due();
    // One statement of each kind in turn, so that a kind of which there is much keeps no other waiting.
    do left = await this.#removeSome(left, removed);
    while (left.length > 0 && this.#goesOn(end));
    if (Object.keys(removed).length > 0) log.info(removed, 'Removed what has been kept for as long as configured');
    if (left.length > 0) log.info({ kinds: left.map(({ kind }) => kind) }, 'More is to be removed, in the next turns');
    return removed;
  }

  #due(): Due[] {
    const { clock, days, removals } = this.#options;
    const now = clock.now();
    return removals.flatMap((removal) => {
      const kept = days[removal.kind];
      return kept === null ? [] : { ...removal, before: new Date(now - kept * DAY_MS) };
    });
  }

  #goesOn(end: number): boolean {
    return !this.#closing.signal.aborted && this.#options.clock.monotonic() < end;
  }

  /** @returns the removals of which there is more */
  async #removeSome(due: readonly Due[], removed: Partial<Record<Kind, number>>): Promise<Due[]> {
    const left: Due[] = [];
    for (const one of due) {
      if (this.#closing.signal.aborted) return [];
      const count = await this.#removeOnce(one);
      if (count > 0) removed[one.kind] = (removed[one.kind] ?? 0) + count;
      if (count >= one.atOnce) left.push(one);
    }
    return left;
  }

  /** One kind that cannot be removed keeps no other. */
  async #removeOnce({ kind, atOnce, remove, before }: Due): Promise<number> {
    try {
      return await remove(before, atOnce);
    } catch (error) {
      this.#options.log.warn({ err: error, kind }, 'What is old could not be removed; will retry later');
      return 0;
    }
  }
}

/** What the drafts' room removes, whose logs may be elsewhere. */
interface RemovableDrafts {
  compact(before: Date, most: number): Promise<number>;
  deleteFinished(before: Date, most: number): Promise<number>;
}

/** The removals of all kinds. */
export const removalsOf = (
  database: Database,
  drafts: RemovableDrafts,
  audit: AuditLog,
  auditDays: number,
): Removal[] => [
  { kind: 'drafts', atOnce: 20, remove: (before, most) => drafts.deleteFinished(before, most) },
  { kind: 'logs', atOnce: 50, remove: (before, most) => drafts.compact(before, most) },
  { kind: 'lists', atOnce: 1_000, remove: (before, most) => deleteOldLists(database, before, most) },
  { kind: 'feedback', atOnce: 5_000, remove: (before, most) => deleteOldFeedback(database, before, most) },
  { kind: 'usage', atOnce: 5_000, remove: (before, most) => deleteOldUsage(database, before, most) },
  // The database counts these days itself, so that nobody's clock removes an entry early ([AUDIT2]).
  { kind: 'audit', atOnce: 1_000, remove: (_, most) => audit.removeOlder(auditDays, most) },
];
