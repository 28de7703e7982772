import type { AnalyticsRange } from '../../db/analytics/analytics-queries.ts';
import type { Clock } from '../../lib/clock.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import type { AnalyticsQuery, DateOrTime } from './contract.ts';

const DAY_MS = 24 * 3_600_000;
const LONGEST_DAYS = 366;
const DEFAULT_DAYS = 7;

/** Names of regions only: offsets have the opposite sign in PostgreSQL. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+\-/]{0,63}$/;

/**
 * The period that is asked for, by default the last seven days. A date is the beginning of that day in the time zone.
 * @throws InvalidInputError for an empty, too long or unsupported range, or an unknown time zone
 */
export function periodOf(query: AnalyticsQuery, clock: Clock): Omit<AnalyticsRange, 'modelVersion'> {
  const timeZone = checkTimeZone(query.timeZone ?? 'UTC');
  const now = clock.now();
  const to = query.to ? instantOf(query.to, timeZone) : new Date(now);
  const from = query.from ? instantOf(query.from, timeZone) : new Date(to.getTime() - DEFAULT_DAYS * DAY_MS);
  if (to.getTime() < 0 || to.getTime() > now + LONGEST_DAYS * DAY_MS) {
    throw new InvalidInputError(`to (${to.toISOString()}) is before 1970 or far in the future`, 'to');
  }
  if (from >= to) throw new InvalidInputError('from must be before to', 'from');
  if (to.getTime() - from.getTime() > LONGEST_DAYS * DAY_MS) {
    throw new InvalidInputError(`from must be at most ${LONGEST_DAYS} days before to`, 'from');
  }
  return { from, to, timeZone };
}

/** What a reader of the figures has to know about the period. */
export function warningsOf(
  { from, to }: Pick<AnalyticsRange, 'from' | 'to'>,
  clock: Clock,
  listDays: number,
): string[] {
  const kept = new Date(clock.now() - listDays * DAY_MS);
  const warnings: string[] = [];
  if (from < kept) {
    warnings.push(`Lists are kept for ${listDays} days: those served before ${kept.toISOString()} are not counted.`);
  }
  if (to.getTime() > clock.now()) warnings.push('The period has not ended yet.');
  return warnings;
}

function checkTimeZone(name: string): string {
  try {
    if (ZONE_NAME.test(name)) return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new InvalidInputError(`timeZone ${JSON.stringify(name)} is not a time zone like Europe/Berlin`, 'timeZone');
}

const instantOf = (moment: DateOrTime, timeZone: string): Date =>
  moment instanceof Date ? moment : startOfDay(moment, timeZone);

/** When a day begins in a time zone: the instant whose clocks there show that date and midnight, or the next time they show. */
export function startOfDay(date: string, timeZone: string): Date {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // The offset of the instant itself may differ from that of midnight UTC, if clocks are changed in between.
  const guess = midnight - offsetAt(midnight, timeZone);
  return new Date(midnight - offsetAt(guess, timeZone));
}

/** How far the clocks of a time zone are ahead of UTC, in milliseconds. */
function offsetAt(instant: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) - instant;
}
