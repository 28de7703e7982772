/** A connection URL without its password, for display. */
export function maskPassword(url: string): string {
  const masked = new URL(url);
  if (masked.password) masked.password = '***';
  if (masked.searchParams.has('password')) masked.searchParams.set('password', '***');
  return masked.href;
}

/** The problem of a connection URL, in words that do not quote it. Null if there is none. */
export function databaseUrlProblem(text: string): string | null {
  const url = parseUrl(text);
  if (!url) return 'is not a URL; a password with special characters needs them percent-encoded';
  if (!['postgres:', 'postgresql:'].includes(url.protocol)) return 'does not start with postgres://';
  if (!url.hostname) return 'names no host';
  if (url.pathname.length < 2) return 'names no database after the host';
  const decodes = [url.username, url.password, url.pathname].every(isPercentEncoded);
  return decodes ? null : 'has a % that is not part of a percent-encoded character';
}

function isPercentEncoded(text: string): boolean {
  return !/%(?![\da-f]{2})/i.test(text);
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
