/** The `Retry-After` header: whole seconds, rounded up. */
export const retryAfterHeader = ({ retryAfterMs }: { retryAfterMs: number }): Record<string, string> => ({
  'retry-after': String(Math.ceil(retryAfterMs / 1000)),
});
