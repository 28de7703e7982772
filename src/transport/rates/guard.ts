import { createHash } from 'node:crypto';
import { TokenExpiredError, UnauthenticatedError } from '../../lib/errors.ts';
import type { Identify } from '../identity.ts';
import type { Rates } from './rates.ts';

/** Identifies a caller from an address. */
export type IdentifyFrom = (address: string, ...credentials: Parameters<Identify>) => ReturnType<Identify>;

/**
 * Counts requests of an address before they are authenticated, and invalid tokens more strictly. A caller that recently
 * sent a valid token is not blocked by invalid ones of others behind the same address ([RATE3]).
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
      return { ...identity, viewer: { ...identity.viewer, address } };
    } catch (error) {
      if (authorization !== null && isForgery(error)) await rates.countFailure(address);
      throw error;
    }
  };
}

/** An expired token was once valid. Many arrive at once if people who share an address stay connected for long. */
const isForgery = (error: unknown): boolean =>
  error instanceof UnauthenticatedError && !(error instanceof TokenExpiredError);

const MOST = 10_000;

/** Remembers the most recent texts by their digests. */
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
