import { SignJWT } from 'jose';

const secret = 'a secret that is thirty-two bytes long, or longer';

/** Configuration of a server whose requests need a token. */
export const withAuth = { auth: { kind: 'secret', secret, issuer: null, audience: null } } as const;

/** The headers of who has such a token. */
export async function bearer(claims: Record<string, unknown>): Promise<{ authorization: string }> {
  const signing = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
  return { authorization: `Bearer ${await signing.sign(new TextEncoder().encode(secret))}` };
}
