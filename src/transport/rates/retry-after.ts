import type { RateLimitedError } from '../../lib/errors.ts';

/** When to come again, as HTTP says it: in whole seconds, not before. */
export const retryAfter = ({ retryAfterMs }: RateLimitedError): Record<string, string> => ({
  'retry-after': String(Math.ceil(retryAfterMs / 1000)),
});
