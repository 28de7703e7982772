import { SignJWT } from 'jose';

const secret = 'a secret that is thirty-two bytes long, or longer';

/** Authentication by tokens that `tokenOf` makes. */
export const secretAuth = { kind: 'secret', secret, issuer: null, audience: null } as const;

export const tokenOf = (claims: Record<string, unknown>, expires: string | number = '1h'): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));

/** The header of a request of a listener. */
export const bearer = async (sub: string, claims: Record<string, unknown> = {}) => ({
  authorization: `Bearer ${await tokenOf({ sub, ...claims })}`,
});
