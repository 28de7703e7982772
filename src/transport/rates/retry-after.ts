import type { RateLimitedError } from '../../lib/errors.ts';

/** The `Retry-After` header: whole seconds, rounded up. */
export const retryAfterHeader = ({ retryAfterMs }: RateLimitedError): Record<string, string> => ({
  'retry-after': String(Math.ceil(retryAfterMs / 1000)),
});
