import type { StagedFeedback } from '../../db/imports/import-feedback.ts';
import type { Clock } from '../../lib/clock.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkName, checkRange, checkText } from '../../lib/text/check-text.ts';
import { nearest } from '../../lib/text/nearest.ts';
import type { Columns } from '../reading/columns.ts';
import type { Row } from './row.ts';

/** The `feedback` format: docs/import.md. */
export const feedbackColumns: Columns = {
  required: ['listener', 'track', 'kind'],
  optional: ['at', 'plays', 'listenedMs', 'key'],
};

const kinds = ['PLAY', 'COMPLETE', 'LIKE', 'SAVE', 'SKIP', 'DISLIKE', 'HIDE'] as const;
export const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_PLAYS = 2 ** 31 - 1;
/** Tolerated clock difference to other machines. A larger one is an error. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

/** @throws InvalidInputError with the reason if the row is bad */
export function feedbackRowOf(row: Row, clock: Clock): StagedFeedback {
  const key = row.optionalId('key');
  const listenedMs = row.integer('listenedMs');
  const at = row.instant('at');
  return {
    listener: listenerId(row.name('listener')),
    track: checkName(row.id('track'), 'track', { max: 200 }),
    kind: kindOf(row.name('kind')),
    plays: checkRange(row.integer('plays') ?? 1, 'plays', 1, MAX_PLAYS),
    listenedMs: listenedMs === null ? null : checkRange(listenedMs, 'listenedMs', 0, DAY_MS),
    at: at === null ? new Date(clock.now()) : pastInstant(at, clock),
    timed: at !== null,
    key: key === null ? null : `key:${checkText(key, 'key', { max: 200 })}`,
  };
}

/** Not normalised: it is compared exactly with the `sub` of tokens ([AUTH4]). */
export function listenerId(value: string): string {
  return checkText(value, 'listener', { max: 128 });
}

export function playCount(value: number): number {
  return checkRange(value, 'weight', 1, MAX_PLAYS);
}

function kindOf(value: string): StagedFeedback['kind'] {
  const kind = kinds.find((known) => known === value.trim().toUpperCase());
  if (kind) return kind;
  const meant = nearest(value.toUpperCase(), kinds);
  const hint = meant ? `; did you mean ${meant}?` : `; it is one of ${kinds.join(', ')}`;
  throw new InvalidInputError(`kind must not be "${value.slice(0, 30)}"${hint}`, 'kind');
}

/** An instant from 1970 to now. @throws InvalidInputError naming the column */
export function pastInstant(at: Date, clock: Clock, column = 'at'): Date {
  const time = at.getTime();
  if (time >= 0 && time <= clock.now() + CLOCK_TOLERANCE_MS) return at;
  const shown = Number.isNaN(time) ? 'no date' : at.toISOString();
  throw new InvalidInputError(`${column} (${shown}) is ${time < 0 ? 'before 1970' : 'in the future'}`, column);
}
