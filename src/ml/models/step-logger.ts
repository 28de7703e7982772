import type { Logger } from '../../lib/log.ts';

const STEP = 0.05;

/** Logs a fraction that grows from 0 to 1, with at most one line per 5 %. */
export function stepLogger(log: Pick<Logger, 'info'>, what: string): (share: number) => void {
  let next = STEP;
  return (share) => {
    if (share < next) return;
    next = (Math.floor(share / STEP) + 1) * STEP;
    log.info(`${what} ${Math.floor(share * 100)} %`);
  };
}
