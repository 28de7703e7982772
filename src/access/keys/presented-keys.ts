import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type ApiKeyRow, selectKeyByPrefix, selectKeysByIds } from '../../db/access/key-queries.ts';
import type { Queryable } from '../../db/client.ts';
import { repeat } from '../../lib/async/schedule.ts';
import type { Clock } from '../../lib/clock.ts';
import { indexBy } from '../../lib/collections.ts';
import { ForbiddenError, TokenExpiredError, UnauthenticatedError } from '../../lib/errors.ts';
import type { PresentedKey } from '../contract.ts';
import { keyDigest, readKey } from './key-format.ts';
import { keyOfRow } from './stored-key.ts';

/** A wake-up may be lost with the connection that it comes over, so what is known is asked for again after a while. */
const FRESH_MS = 10_000;
const MOST_KNOWN = 10_000;

/** Something that was opened with a key, and ends with it. */
interface Opened {
  digest: Buffer;
  end: () => void;
}

/** The keys that are presented to this node. Looked up once, until one of them changes ([KEY5]). */
export class PresentedKeys implements AsyncDisposable {
  readonly #db: Queryable;
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, Promise<ApiKeyRow | null>>({ max: MOST_KNOWN, ttl: FRESH_MS });
  /** What is open, by the key's id. */
  readonly #opened = new Map<number, Set<Opened>>();
  readonly #watching: AsyncDisposable;

  constructor(db: Queryable, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    // While the database does not answer, what is open stays open.
    this.#watching = repeat(
      FRESH_MS,
      () => this.#endInvalid(),
      () => undefined,
    );
  }

  async identify(secret: string, origin: string | null): Promise<PresentedKey> {
    const key = readKey(secret);
    if (!key) throw new UnauthenticatedError('The API key is not one: it was mistyped or shortened');
    const digest = keyDigest(key);
    const { row, validity } = await this.#judge(key.prefix, digest);
    if (row === null || validity === 'unknown') throw new UnauthenticatedError('There is no such API key');
    if (validity === 'revoked') throw new UnauthenticatedError('The API key has been revoked');
    if (validity === 'expired') throw new TokenExpiredError('The API key has expired');
    checkOrigin(row.origins, origin);
    return {
      apiKey: keyOfRow(row, this.#clock.now()),
      expiresAt: validity.until,
      whenInvalid: (end) => this.#watch(row.id, { digest, end }),
    };
  }

  /** A key has changed, of whichever owner. */
  async lookAgain(): Promise<void> {
    this.#known.clear();
    await this.#endInvalid().catch(() => undefined);
  }

  async #judge(prefix: string, digest: Buffer): Promise<{ row: ApiKeyRow | null; validity: Validity }> {
    const isRemembered = this.#known.has(prefix);
    const row = await this.#find(prefix);
    const validity = validityOf(row, digest, this.#clock.now());
    if (validity !== 'unknown' || !isRemembered) return { row, validity };
    // The key may have been rotated, and the wake-up still be on its way.
    this.#known.delete(prefix);
    return this.#judge(prefix, digest);
  }

  #find(prefix: string): Promise<ApiKeyRow | null> {
    const known = this.#known.get(prefix);
    if (known) return known;
    const found = selectKeyByPrefix(this.#db, prefix);
    this.#known.set(prefix, found);
    // Prefixes that somebody invents take nobody's place.
    const forget = (): boolean => this.#known.peek(prefix) === found && this.#known.delete(prefix);
    found.then((row) => row === null && forget(), forget);
    return found;
  }

  #watch(id: number, opened: Opened): () => void {
    const all = this.#opened.get(id) ?? new Set();
    this.#opened.set(id, all.add(opened));
    return () => {
      all.delete(opened);
      if (all.size === 0 && this.#opened.get(id) === all) this.#opened.delete(id);
    };
  }

  async #endInvalid(): Promise<void> {
    if (this.#opened.size === 0) return;
    const rows = indexBy(await selectKeysByIds(this.#db, [...this.#opened.keys()]), ({ id }) => id);
    for (const [id, all] of this.#opened) {
      for (const { digest, end } of all)
        if (typeof validityOf(rows.get(id) ?? null, digest, this.#clock.now()) === 'string') end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watching[Symbol.asyncDispose]();
  }
}

/** Until when it is valid, null for ever, or why it is not. */
type Validity = { until: Date | null } | 'unknown' | 'revoked' | 'expired';

/** For a prefix that nobody has: the same comparison is made, which takes the same time. */
const NOBODY = Buffer.alloc(32);

function validityOf(row: ApiKeyRow | null, digest: Buffer, now: number): Validity {
  const isCurrent = timingSafeEqual(digest, row?.digest ?? NOBODY);
  const isPrevious = timingSafeEqual(digest, row?.previousDigest ?? NOBODY);
  if (row === null || !(isCurrent || isPrevious)) return 'unknown';
  if (row.revokedAt) return 'revoked';
  const ends = [row.expiresAt, isCurrent ? null : row.previousUntil].flatMap((end) => end?.getTime() ?? []);
  if (ends.length === 0) return { until: null };
  const until = Math.min(...ends);
  return until <= now ? 'expired' : { until: new Date(until) };
}

/** Pages state where they come from and cannot change it. @throws ForbiddenError */
function checkOrigin(origins: readonly string[], origin: string | null): void {
  if (origins.length === 0 || (origin !== null && origins.includes(origin))) return;
  throw new ForbiddenError('The API key is for pages of other origins');
}
