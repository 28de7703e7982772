import { createHash } from 'node:crypto';
import { TokenExpiredError, UnauthenticatedError } from '../../lib/errors.ts';
import type { Identify } from '../identity.ts';
import type { Rates } from './rates.ts';

/** Finds out who asks from an address. */
export type IdentifyFrom = (address: string, ...credentials: Parameters<Identify>) => ReturnType<Identify>;

/**
 * Counts before it looks: requests of an address, and more strictly tokens from there that were not good. Who came with a good
 * token lately is not kept out by the bad ones of others behind the same address ([RATE3]).
 *
 * @throws RateLimitedError, and as `identify`
 */
export function guardIdentity(identify: Identify, rates: Rates): IdentifyFrom {
  const good = new Recent();
  return async (address, credentials) => {
    const { authorization } = credentials;
    await rates.countAddress(address);
    if (authorization === null || !good.has(authorization)) await rates.checkFailures(address);
    try {
      const identity = await identify(credentials);
      if (authorization !== null) good.add(authorization);
      return identity;
    } catch (error) {
      if (authorization !== null && isForgery(error)) await rates.countFailure(address);
      throw error;
    }
  };
}

/** One that has expired was good once: many come at once when those who share an address stay for long. */
const isForgery = (error: unknown): boolean =>
  error instanceof UnauthenticatedError && !(error instanceof TokenExpiredError);

const MOST = 10_000;

/** Remembers the latest of many texts, by their digests. */
class Recent {
  readonly #digests = new Set<string>();

  has(text: string): boolean {
    return this.#digests.has(digestOf(text));
  }

  add(text: string): void {
    const digest = digestOf(text);
    this.#digests.delete(digest);
    this.#digests.add(digest);
    const [oldest] = this.#digests;
    if (this.#digests.size > MOST && oldest !== undefined) this.#digests.delete(oldest);
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
