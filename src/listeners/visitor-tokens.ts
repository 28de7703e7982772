import { createHmac, randomUUID } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../lib/clock.ts';
import { TokenExpiredError, UnauthenticatedError } from '../lib/errors.ts';
import { isVisitor } from './viewer.ts';

/** Tells visitors' tokens apart from those of the identity provider. */
const TYPE = 'visitor+jwt';

export interface VisitorToken {
  token: string;
  expiresAt: Date;
}

export interface VisitorClaims {
  /** The visitor's external id. */
  subject: string;
  expiresAt: Date;
}

/** Signs the ids of visitors who have not signed in, and reads them ([VISIT1]). Nothing is stored for them. */
export class VisitorTokens {
  readonly #key: Uint8Array;
  readonly #hours: number;
  readonly #clock: Clock;

  /** @param secret what all nodes share */
  constructor({ secret, hours }: { secret: string; hours: number }, clock: Clock) {
    this.#key = createHmac('sha256', secret).update('tokens of visitors').digest();
    this.#hours = hours;
    this.#clock = clock;
  }

  async issue(): Promise<VisitorToken> {
    const now = Math.floor(this.#clock.now() / 1000);
    const expires = now + this.#hours * 3600;
    const token = await new SignJWT({ sub: `visitor:${randomUUID()}` })
      .setProtectedHeader({ alg: 'HS256', typ: TYPE })
      .setIssuedAt(now)
      .setExpirationTime(expires)
      .sign(this.#key);
    return { token, expiresAt: new Date(expires * 1000) };
  }

  /** @throws TokenExpiredError; UnauthenticatedError for a token that was not signed here */
  async read(token: string): Promise<VisitorClaims> {
    try {
      const options = { algorithms: ['HS256'], typ: TYPE, currentDate: new Date(this.#clock.now()) };
      const { payload } = await jwtVerify(token, this.#key, options);
      const { sub = '', exp = 0 } = payload;
      if (isVisitor({ externalId: sub })) return { subject: sub, expiresAt: new Date(exp * 1000) };
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenExpiredError("The visitor's token has expired");
    }
    throw new UnauthenticatedError("The visitor's token is not valid");
  }
}

/** Whether a token says that it is a visitor's. Whether that is true is for `read` to find out. */
export function claimsToBeVisitor(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === TYPE;
  } catch {
    return false;
  }
}
