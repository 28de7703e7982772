import type { Logger } from '../../lib/log.ts';

const STEP = 0.05;

/** Logs a share that grows from 0 to 1, one line for each 5 % at most. */
export function stepLogger(log: Pick<Logger, 'info'>, what: string): (share: number) => void {
  let next = STEP;
  return (share) => {
    if (share < next) return;
    next = (Math.floor(share / STEP) + 1) * STEP;
    log.info(`${what} ${Math.floor(share * 100)} %`);
  };
}
