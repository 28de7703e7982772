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

interface RetentionOptions {
  database: Database;
  clock: Clock;
  log: Logger;
  days: KeptDays;
  removals: readonly Removal[];
}

/** A node looks this often whether it is to do the work, and one of them does it this often. */
const PERIOD_MS = 10 * 60_000;
/** Statements of one kind in a turn. What is left is removed in the next ones. */
const MOST_AT_A_TURN = 20;
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
    const { database, removals, log } = this.#options;
    if (!(await claimRetention(database, PERIOD_MS))) return null;
    const removed: Partial<Record<Kind, number>> = {};
    for (const removal of removals) {
      const count = await this.#removeSome(removal);
      if (count > 0) removed[removal.kind] = count;
    }
    if (Object.keys(removed).length > 0) log.info(removed, 'Removed what has been kept for as long as configured');
    return removed;
  }

  /** One kind that cannot be removed keeps no other. */
  async #removeSome({ kind, atOnce, remove }: Removal): Promise<number> {
    const { clock, days, log } = this.#options;
    const kept = days[kind];
    if (kept === null) return 0;
    const before = new Date(clock.now() - kept * DAY_MS);
    let count = 0;
    try {
      for (let statements = 0; statements < MOST_AT_A_TURN && !this.#closing.signal.aborted; statements++) {
        const some = await remove(before, atOnce);
        count += some;
        if (some < atOnce) break;
      }
    } catch (error) {
      log.warn({ err: error, kind }, 'What is old could not be removed; will retry later');
    }
    return count;
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
