/** When a JSON Web Token expires, in milliseconds. Null for what is none, such as an API key. */
export function expiryOf(token: string | null): number | null {
  const [, payload] = token?.split('.') ?? [];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    const expiry = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null;
    return typeof expiry === 'number' ? expiry * 1000 : null;
  } catch {
    return null;
  }
}
