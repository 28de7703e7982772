import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateStore } from '../../db/queries/rate-limits.ts';
import type { Logger } from '../../lib/log.ts';
import { BoundedKeys } from './bounded-keys.ts';

export interface RateOptions {
  /** Distinguishes this rate's counts in the store. */
  name: string;
  /** The limit per minute. */
  perMinute: number;
  /** Where the nodes keep shared counts. Null if this node counts by itself. */
  store: RateStore | null;
  log: Logger;
}

const WINDOW = { seconds: 60, ms: 60_000 };
/** The share of a limit that a node counts locally before it updates the shared count. */
const PORTION = 1 / 20;

/**
 * A limit per key and minute, which starts at the key's first use. A node counts in memory, so that nothing waits for
 * the database, and updates the shared count in portions of a twentieth of the limit. So a key below a portion causes
 * no statement, and each node can exceed the limit by at most one portion. While the database is unavailable, a node
 * grants half of the limit ([RATE4]).
 */
export class Rate {
  readonly #perMinute: number;
  readonly #portion: number;
  readonly #local: RateLimiterMemory;
  readonly #shared: RateLimiterPostgres | null;
  readonly #keys = new BoundedKeys(WINDOW.ms);
  readonly #log: Logger;

  constructor({ name, perMinute, store, log }: RateOptions) {
    const limits = { points: perMinute, duration: WINDOW.seconds, keyPrefix: name };
    this.#perMinute = perMinute;
    this.#portion = Math.max(1, Math.floor(perMinute * PORTION));
    this.#local = new RateLimiterMemory(limits);
    this.#shared = store && new RateLimiterPostgres({ ...limits, ...sharedOptions(store, limits) });
    this.#log = log;
  }

  /** @returns null, or the milliseconds to wait; then nothing was taken */
  async take(key: string, amount = 1): Promise<number | null> {
    const counted = this.#keys.of(key, performance.now());
    const points = Math.min(amount, this.#perMinute);
    try {
      const { consumedPoints } = await this.#local.consume(counted, points);
      this.#tell(counted, consumedPoints, points);
      return null;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      await this.#local.reward(counted, points);
      return Math.max(1, Math.ceil(refusal.msBeforeNext));
    }
  }

  /** @returns the milliseconds until the limit allows more, or null if it does now */
  async refusal(key: string): Promise<number | null> {
    const count = await this.#local.get(this.#keys.of(key, performance.now()));
    if (count === null || count.consumedPoints < this.#perMinute || count.msBeforeNext <= 0) return null;
    return Math.ceil(count.msBeforeNext);
  }

  #tell(key: string, consumed: number, points: number): void {
    const portions = Math.floor(consumed / this.#portion) - Math.floor((consumed - points) / this.#portion);
    if (portions < 1) return;
    this.#shared?.consume(key, portions * this.#portion).catch((refusal: unknown) => {
      if (refusal instanceof RateLimiterRes) return this.#block(key, refusal.msBeforeNext);
      this.#log.warn({ err: refusal }, 'The shared rate counts cannot be read');
    });
  }

  /** The nodes together have reached the limit. A clock that is ahead blocks a key for at most one minute. */
  #block(key: string, ms: number): Promise<unknown> {
    return this.#local.block(key, Math.min(ms, WINDOW.ms) / 1000);
  }
}

function sharedOptions({ client, table }: RateStore, limits: { points: number; duration: number; keyPrefix: string }) {
  const insuranceLimiter = new RateLimiterMemory({ ...limits, points: Math.floor(limits.points / 2) });
  return { storeClient: client, storeType: 'client', tableName: table, tableCreated: true, insuranceLimiter };
}
