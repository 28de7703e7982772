import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';

const STEP = 0.05;
const REST_MS = 1000;

/** Logs a fraction that grows from 0 to 1, with at most one line per 5 % and second, and one at its end. */
export function stepLogger(
  log: Pick<Logger, 'info'>,
  what: string,
  clock: Pick<Clock, 'monotonic'> = systemClock,
): (share: number) => void {
  let next = STEP;
  let rested = clock.monotonic() + REST_MS;
  return (share) => {
    if (share < next || (share < 1 && clock.monotonic() < rested)) return;
    next = (Math.floor(share / STEP) + 1) * STEP;
    rested = clock.monotonic() + REST_MS;
    log.info(`${what} ${Math.floor(share * 100)} %`);
  };
}
