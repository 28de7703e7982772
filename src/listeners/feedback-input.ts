import type { Clock } from '../lib/clock.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { checkLength, checkRange, checkText } from '../lib/text/check-text.ts';
import type { FeedbackInput } from './contract.ts';
import type { GivenFeedback } from './recording.ts';

const MAX_BATCH = 1_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Clients' clocks run ahead a little; more than this is an error. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function checkBatch(input: readonly FeedbackInput[]): void {
  checkLength(input, 'input', MAX_BATCH);
}

/** @throws InvalidInputError naming, for example, `input.3.listenedMs`; `path` precedes the field's name */
export function checkFeedback(input: FeedbackInput, viewerId: number, clock: Clock, path: string): GivenFeedback {
  const { idempotencyKey: key, listenedMs, requestId } = input;
  if (listenedMs != null) checkRange(listenedMs, `${path}listenedMs`, 0, DAY_MS);
  checkRequestId(requestId, `${path}requestId`);
  return {
    listenerId: input.listenerId ?? viewerId,
    trackId: input.trackId,
    kind: input.kind,
    listenedMs: listenedMs ?? null,
    at: checkInstant(input.at ?? new Date(clock.now()), clock, `${path}at`),
    givenAt: input.at ?? null,
    requestId: requestId ?? null,
    dedupeKey: key == null ? null : `key:${checkText(key, `${path}idempotencyKey`, { max: 200 })}`,
  };
}

export function checkRequestId(requestId: string | null | undefined, field: string): void {
  if (requestId == null || UUID.test(requestId)) return;
  throw new InvalidInputError(`${field} is not the requestId of a list`, field);
}

function checkInstant(at: Date, clock: Clock, field: string): Date {
  const time = at.getTime();
  if (time >= 0 && time <= clock.now() + CLOCK_TOLERANCE_MS) return at;
  if (Number.isNaN(time)) throw new InvalidInputError(`${field} is not an instant`, field);
  throw new InvalidInputError(`${field} (${at.toISOString()}) is ${time < 0 ? 'before 1970' : 'in the future'}`, field);
}
