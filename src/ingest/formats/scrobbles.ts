import { LeftOut } from '../import-context.ts';

const MINUTE_MS = 60_000;

/** Scrobblers write no time, or the first of 1970, for what plays now and for what a clock without a battery dated. */
export const timeless = new LeftOut('without a time');

/** Last.fm and ListenBrainz name the second of the same listen, some exporters only its minute. */
export function scrobbleMoment(at: Date): string {
  return `scrobble:${Math.floor(at.getTime() / MINUTE_MS)}`;
}
