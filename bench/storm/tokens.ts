import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';

/** What the nodes check tokens with: they may be reached by others, so everybody has to prove who they are. */
export const SECRET = randomBytes(32).toString('hex');

/** The header `Authorization` of a listener. */
export async function authorizationOf(listener: string): Promise<string> {
  const token = new SignJWT({ roles: ['LISTENER'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(listener)
    .setExpirationTime('12h');
  return `Bearer ${await token.sign(new TextEncoder().encode(SECRET))}`;
}
