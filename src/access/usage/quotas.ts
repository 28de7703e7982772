import { LRUCache } from 'lru-cache';
import { type KeySpending, selectSpending } from '../../db/access/usage-queries.ts';
import type { Database } from '../../db/client.ts';
import type { Clock } from '../../lib/clock.ts';
import { indexBy } from '../../lib/collections.ts';
import { QuotaExceededError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { type Quota, type QuotaName, QUOTAS, type QuotaState } from '../contract.ts';
import { quotaOf } from '../keys/stored-key.ts';

/** What is asked for. Tokens are known only when they are used, so that whoever has any left may begin a draft or a text. */
export type QuotaUse = 'request' | 'draft' | 'text';

const LIMITING: Record<QuotaUse, readonly QuotaName[]> = {
  request: ['requestsPerDay'],
  draft: ['draftsPerDay', 'tokensPerDay', 'tokensPerMonth'],
  text: ['tokensPerDay', 'tokensPerMonth'],
};
const MOST_KNOWN = 10_000;
/** What was used elsewhere is read with each portion; a key that nobody used for a while is read again before it is. */
const FRESH_MS = 5_000;

/** What is known here of a key. */
interface Known {
  day: string;
  readAt: number;
  quota: Quota;
  read: KeySpending;
  /** What this node has counted and may not have read yet. */
  recent: Counts;
  /** What may still come to nothing. */
  held: Counts;
  /** Quotas whose warning is in the log. */
  warned: Set<QuotaName>;
}

type Counts = Record<QuotaUse, number>;
type CountsOfDay = Counts & Pick<Known, 'day'>;

/** The quotas of API keys. They are compared in memory, with what was read a moment ago and counted here since ([QUOTA1]). */
export class Quotas {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new LRUCache<number, Known>({ max: MOST_KNOWN });
  #used = new Set<number>();

  constructor({ database, clock, log }: { database: Database; clock: Clock; log: Logger }) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Takes a number of them, until the result says whether they were used.
   * @returns what ends it: with true they were
   * @throws QuotaExceededError
   */
  async take(keyId: number, asked: QuotaUse, amount: number): Promise<(isUsed: boolean) => void> {
    const known = await this.#of(keyId);
    if (!known) return () => undefined;
    const { quota } = known;
    for (const name of LIMITING[asked]) {
      const state = stateOf(known, name);
      const hard = quota[name]?.hard ?? null;
      const needs = name.startsWith('tokens') ? 1 : amount;
      if (hard !== null && state.spent + needs > hard)
        throw new QuotaExceededError({ ...state, limit: hard }, this.#clock.now());
    }
    known.held[asked] += amount;
    return (isUsed) => {
      known.held[asked] -= amount;
      if (isUsed) known.recent[asked] += amount;
    };
  }

  /** Those of which the soft limit is passed. The log says so once in each period. */
  async warnings(keyId: number, prefix: string): Promise<QuotaState[]> {
    const known = await this.#of(keyId);
    if (!known) return [];
    const passed = statesOf(known).filter(({ soft, spent }) => soft !== null && spent > soft);
    for (const { quota, spent, soft, hard } of passed) {
      if (known.warned.has(quota)) continue;
      known.warned.add(quota);
      this.#log.warn({ key: prefix, quota, spent, soft, hard }, 'An API key has passed the soft limit of a quota');
    }
    return passed;
  }

  /** All that are limited, of each key that is there. */
  async statesOf(keyIds: readonly number[]): Promise<Map<number, QuotaState[]>> {
    const found = await Promise.all(keyIds.map(async (id) => [id, await this.#of(id)] as const));
    return new Map(found.flatMap(([id, known]) => (known ? [[id, statesOf(known)] as const] : [])));
  }

  /** The limits of keys may have changed. */
  lookAgain(): void {
    for (const known of this.#known.values()) known.readAt = -Infinity;
  }

  /** What was counted here since it was last read back, for `refresh` later on. */
  recent(): Map<number, CountsOfDay> {
    const counted = [...this.#known.entries()].filter(([, { recent }]) => recent.request + recent.draft > 0);
    return new Map(counted.map(([id, { day, recent }]) => [id, { day, ...recent }]));
  }

  /** Reads what all nodes have noted of the keys in use. @param noted what was counted here and is noted since */
  async refresh(noted: ReadonlyMap<number, CountsOfDay>): Promise<void> {
    const used = new Set([...this.#used, ...noted.keys()]);
    this.#used = new Set();
    if (used.size === 0) return;
    await this.#read([...used]);
    for (const [id, { day, request, draft, text }] of noted) {
      const known = this.#known.peek(id);
      // A day that has begun meanwhile begins at 0.
      if (known?.day !== day) continue;
      known.recent.request -= request;
      known.recent.draft -= draft;
      known.recent.text -= text;
    }
  }

  async #of(keyId: number): Promise<Known | undefined> {
    this.#used.add(keyId);
    const known = this.#known.get(keyId);
    const now = this.#clock.now();
    if (known?.day === dayOf(now) && known.readAt > now - FRESH_MS) return known;
    try {
      await this.#read([keyId]);
    } catch (error) {
      // While the database is away, what is known holds.
      if (known?.day !== dayOf(now)) throw error;
    }
    return this.#known.get(keyId);
  }

  async #read(keyIds: readonly number[]): Promise<void> {
    const readAt = this.#clock.now();
    const day = dayOf(readAt);
    const rows = indexBy(await selectSpending(this.#database, keyIds, day), ({ keyId }) => keyId);
    for (const id of keyIds) {
      const row = rows.get(id);
      if (row) this.#note(id, { day, readAt, read: row, quota: quotaOf(row.quota) });
      else this.#known.delete(id);
    }
  }

  #note(id: number, fact: Pick<Known, 'day' | 'readAt' | 'read' | 'quota'>): void {
    const known = this.#known.peek(id);
    if (known?.day !== fact.day) this.#known.set(id, { ...fact, ...begun() });
    else if (fact.readAt >= known.readAt) Object.assign(known, fact);
  }
}

/** At the beginning of a day. What drafts that are being started hold of the day before goes with it. */
const begun = (): Pick<Known, 'recent' | 'held' | 'warned'> => ({
  recent: { request: 0, draft: 0, text: 0 },
  held: { request: 0, draft: 0, text: 0 },
  warned: new Set(),
});

/** Of UTC. */
export const dayOf = (moment: number): string => new Date(moment).toISOString().slice(0, 10);

const statesOf = (known: Known): QuotaState[] =>
  QUOTAS.filter((name) => known.quota[name]).map((name) => stateOf(known, name));

function stateOf({ quota, read, recent, held, day }: Known, name: QuotaName): QuotaState {
  const spent = {
    requestsPerDay: read.requestsToday + recent.request + held.request,
    draftsPerDay: read.draftsToday + recent.draft + held.draft,
    tokensPerDay: read.tokensToday,
    tokensPerMonth: read.tokensThisMonth,
  }[name];
  const { soft = null, hard = null } = quota[name] ?? {};
  return { quota: name, soft, hard, spent, resetsAt: endOf(name, day) };
}

/** The next midnight of UTC, or the first of the next month. */
function endOf(name: QuotaName, day: string): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(name === 'tokensPerMonth' ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, date + 1));
}
