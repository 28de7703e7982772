import { randomUUID } from 'node:crypto';
import * as queries from '../../db/access/usage-queries.ts';
import type { Database } from '../../db/client.ts';
import { repeat } from '../../lib/async/schedule.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { checkFirst, decodeCursor, keyPart, type Page, pageOf } from '../../lib/page.ts';
import { accountOf, type Viewer } from '../../listeners/listeners.ts';
import type { QuotaState } from '../contract.ts';
import { apiKeysWakeup } from '../wakeup-keys.ts';
import { dayOf, Quotas, type QuotaUse } from './quotas.ts';
import { checkPeriod, isDay, type UsageQuery } from './usage-input.ts';

export type UsageOfDay = queries.UsageRow;

export interface UsageOptions {
  database: Database;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
}

const NOTHING = { requests: 0, drafts: 0, tokensIn: 0, tokensOut: 0, engineMs: 0 };
type ReadTokens = Pick<typeof NOTHING, 'tokensIn' | 'tokensOut' | 'engineMs'>;

/** What is noted at once. */
interface Portion {
  number: number;
  uses: readonly queries.CountedUse[];
  /** What `Quotas` had counted when it was taken. */
  recent: ReturnType<Quotas['recent']>;
}

/** How long counts wait in memory, which is what a kill may lose ([USE1]). */
const PORTION_MS = 2_000;
const FOLD_MS = 60_000;
const LIST = 'usage';

/** What is used, by whom, and what an API key may. */
export class UsageMeter implements AsyncDisposable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #quotas: Quotas;
  readonly #writer = randomUUID();
  readonly #closing = new AbortController();
  #folding: Promise<void> = Promise.resolve();
  #counted = new Map<string, queries.CountedUse>();
  /** The portion that is being noted. It stays the same until that is known to have succeeded. */
  #portion: Portion = { number: 0, uses: [], recent: new Map() };

  constructor({ database, wakeups, clock, log }: UsageOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#quotas = new Quotas({ database, clock, log });
    void onEach(wakeups.changes(apiKeysWakeup, this.#closing.signal), () => {
      this.#quotas.lookAgain();
    });
  }

  /** From now on, notes what was counted every two seconds, and does what nodes do for all. */
  keep(): AsyncDisposable {
    const report = (error: unknown): void =>
      this.#log.warn({ err: error }, 'Usage could not be noted; will retry later');
    const chores = [repeat(PORTION_MS, () => this.flush(), report), repeat(FOLD_MS, () => this.#tidy(), report)];
    return {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(chores.map((chore) => chore[Symbol.asyncDispose]()));
      },
    };
  }

  /**
   * Counts an operation.
   * @returns the quotas of the API key of which the soft limit is passed
   * @throws QuotaExceededError
   */
  async countOperation(viewer: Viewer): Promise<QuotaState[]> {
    if (!viewer.key) {
      this.#count(viewer, 'request', 1);
      return [];
    }
    const { id, prefix } = viewer.key;
    const end = await this.#quotas.take(id, 'request', 1);
    end(true);
    this.#count(viewer, 'request', 1);
    return this.#quotas.warnings(id, prefix);
  }

  /**
   * Starts drafts, if the quotas of the API key allow it, and counts them if it says that it did.
   * @throws QuotaExceededError
   */
  async startDrafts(viewer: Viewer, number: number, start: () => Promise<boolean>): Promise<boolean> {
    const end = viewer.key ? await this.#quotas.take(viewer.key.id, 'draft', number) : null;
    let isStarted = false;
    try {
      isStarted = await start();
      return isStarted;
    } finally {
      end?.(isStarted);
      if (isStarted) this.#count(viewer, 'draft', number);
    }
  }

  /**
   * Lets the engine read a text, if the quotas of the API key allow it, and counts the tokens that it says it used.
   * @throws QuotaExceededError
   */
  async readText<Result>(
    viewer: Viewer,
    read: (used: (usage: ReadTokens) => void) => Promise<Result>,
  ): Promise<Result> {
    const end = viewer.key ? await this.#quotas.take(viewer.key.id, 'text', 1) : null;
    try {
      return await read((usage) => this.#add(viewer, usage));
    } finally {
      end?.(false);
    }
  }

  /** The limited quotas of each key that is there. */
  quotasOf(keyIds: readonly number[]): Promise<Map<number, QuotaState[]>> {
    return this.#quotas.statesOf(keyIds);
  }

  /** By day, up to the last minute. @param listenerId null: of all @throws InvalidInputError */
  async list(listenerId: number | null, query: UsageQuery): Promise<Page<UsageOfDay>> {
    const { db } = this.#database;
    const selection = { ...checkPeriod(query), listenerId, keyId: query.keyId ?? null };
    const [day, id] = query.after == null ? [] : decodeCursor(query.after, LIST, [isDay, keyPart.id]);
    const after = day === undefined || id === undefined ? null : { day, id };
    const limit = checkFirst(query.first) + 1;
    await this.fold();
    const rows = await queries.selectUsage(db, selection, after, limit);
    return pageOf(
      rows,
      LIST,
      query,
      (row) => [row.day, row.id],
      () => queries.countUsage(db, selection),
    );
  }

  /** A listener's own, for a copy of everything that is stored of them. */
  everythingOf(listenerId: number): AsyncIterable<object> {
    return queries.readUsageOf(this.#database, listenerId);
  }

  /** Notes what was counted here, and reads what the quotas of keys in use are compared with. */
  async flush(): Promise<void> {
    if (this.#portion.uses.length === 0) {
      const uses = [...this.#counted.values()];
      this.#portion = { number: this.#portion.number + 1, uses, recent: this.#quotas.recent() };
      this.#counted = new Map();
    }
    const { number, uses, recent } = this.#portion;
    if (uses.length > 0) await queries.noteUses(this.#database, this.#writer, number, uses);
    this.#portion = { number, uses: [], recent: new Map() };
    await this.#quotas.refresh(recent);
  }

  /** Adds what all nodes have noted to the days that it belongs to. */
  fold(): Promise<void> {
    // One after the other: entries that another one is adding are passed over, and whoever asked would read without them.
    const folded = this.#folding.catch(() => undefined).then(() => this.#foldAll());
    this.#folding = folded;
    return folded;
  }

  async #foldAll(): Promise<void> {
    while (await queries.foldEntries(this.#database));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.flush().catch((error: unknown) => this.#log.warn({ err: error }, 'The last usage could not be noted'));
  }

  #count(viewer: Viewer, asked: Exclude<QuotaUse, 'text'>, amount: number): void {
    this.#add(viewer, asked === 'request' ? { requests: amount } : { drafts: amount });
  }

  #add(viewer: Viewer, more: Partial<typeof NOTHING>): void {
    const day = dayOf(this.#clock.now());
    const listenerId = accountOf(viewer).id;
    const keyId = viewer.key?.id ?? null;
    const name = `${day} ${listenerId} ${keyId ?? ''}`;
    const use = this.#counted.get(name) ?? { day, listenerId, keyId, ...NOTHING };
    const sum = (of: keyof typeof NOTHING) => use[of] + (more[of] ?? 0);
    const [requests, drafts] = [sum('requests'), sum('drafts')];
    const [tokensIn, tokensOut, engineMs] = [sum('tokensIn'), sum('tokensOut'), sum('engineMs')];
    this.#counted.set(name, { ...use, requests, drafts, tokensIn, tokensOut, engineMs });
  }

  async #tidy(): Promise<void> {
    await this.fold();
    await queries.measureStorage(this.#database, dayOf(this.#clock.now()));
  }
}
