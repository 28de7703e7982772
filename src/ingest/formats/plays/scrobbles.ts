import { LeftOut } from '../../import-context.ts';

const MINUTE_MS = 60_000;

/**
 * Scrobblers write no time, or 1 January 1970, for the track that is playing now and for devices whose clock had
 * stopped.
 */
export const timeless = new LeftOut('without a time');

/** Last.fm and ListenBrainz give the same listen to the second, some exporters only to the minute. */
export function scrobbleMoment(at: Date): string {
  return `scrobble:${Math.floor(at.getTime() / MINUTE_MS)}`;
}
