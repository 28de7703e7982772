import { InvalidInputError } from '../../lib/errors.ts';
import type { PageArgs } from '../../lib/page.ts';
import { dayOf } from './quotas.ts';

/** A day of UTC, like `2026-11-23`, or a moment in it. */
type DayOrTime = Date | string;

export interface UsageQuery extends PageArgs {
  from: DayOrTime;
  /** The last day, inclusive. */
  to: DayOrTime;
  keyId?: number | null;
}

const MOST_DAYS = 366;
/** Nothing was used before, nor will be after. */
const [EARLIEST, LATEST] = ['2000-01-01', '2199-12-31'];
const DAY_MS = 24 * 3_600_000;

export const isDay = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^(?!0000)\d{4}-\d{2}-\d{2}$/.test(value) &&
  !Number.isNaN(Date.parse(value)) &&
  dayOf(Date.parse(value)) === value;

/** @throws InvalidInputError */
export function checkPeriod({ from, to }: Pick<UsageQuery, 'from' | 'to'>): { from: string; to: string } {
  const [first, last] = [checkDay(from, 'from'), checkDay(to, 'to')];
  const days = (Date.parse(last) - Date.parse(first)) / DAY_MS + 1;
  if (days < 1) throw new InvalidInputError('to must not be before from', 'to');
  if (days > MOST_DAYS) throw new InvalidInputError(`from and to may be at most ${MOST_DAYS} days apart`, 'to');
  return { from: first, to: last };
}

function checkDay(given: DayOrTime, field: string): string {
  const day = given instanceof Date ? dayOf(given.getTime()) : given;
  if (!isDay(day)) throw new InvalidInputError(`${field} is not a date like 2026-11-23`, field);
  if (day >= EARLIEST && day <= LATEST) return day;
  throw new InvalidInputError(`${field} must be from ${EARLIEST} to ${LATEST}`, field);
}
