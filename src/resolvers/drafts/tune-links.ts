import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import type { Instrument } from '../../tunes/rendering.ts';

/** The path under which the files of tunes are served. */
export const TUNES_PATH = '/tunes';
/** Time for which a link is valid. */
const VALID_MS = 3_600_000;
/** Links made within this time are the same, so that a client's cache finds the file again. */
const ROUND_MS = 600_000;
const MAC_CHARACTERS = 32;

/** What a link gives the right to: one draft, as one listener may read it. */
export interface TuneRight {
  draftId: string;
  listenerId: number;
  admin: boolean;
}

/**
 * Links to a tune's sound that need no other credentials, so that a player can load them. A link names draft, reader and
 * end, and is signed ([TUNE13]).
 */
export class TuneLinks {
  readonly #key: Buffer;
  readonly #clock: Clock;

  /** @param secret what all nodes share. Without one, links are valid at the node that made them. */
  constructor(secret: string | null, clock: Clock) {
    this.#key = secret === null ? randomBytes(32) : createHmac('sha256', secret).update('links to tunes').digest();
    this.#clock = clock;
  }

  /** The path of a file, relative to the server's URL. */
  pathOf(draftId: string, viewer: Viewer, file: 'midi' | Instrument): string {
    const until = Math.ceil((this.#clock.now() + VALID_MS) / ROUND_MS) * ROUND_MS;
    const claims = [draftId, viewer.listener.id, may(viewer, 'ADMIN') ? 1 : 0, until].join('.');
    const token = `${Buffer.from(claims).toString('base64url')}.${this.#sign(claims)}`;
    return `${TUNES_PATH}/${token}/${file === 'midi' ? 'tune.mid' : `${file.toLowerCase()}.wav`}`;
  }

  /** Null for a link that was not made here, has been changed or has expired. */
  read(token: string): TuneRight | null {
    const [encoded = '', mac = ''] = token.split('.');
    const claims = Buffer.from(encoded, 'base64url').toString();
    const expected = Buffer.from(this.#sign(claims));
    const given = Buffer.from(mac);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const [draftId = '', listenerId, admin, until] = claims.split('.');
    if (Number(until) < this.#clock.now()) return null;
    return { draftId, listenerId: Number(listenerId), admin: admin === '1' };
  }

  #sign(claims: string): string {
    return createHmac('sha256', this.#key).update(claims).digest('base64url').slice(0, MAC_CHARACTERS);
  }
}
