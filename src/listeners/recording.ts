import type { Database } from '../db/client.ts';
import {
  type FeedbackRow,
  insertFeedback,
  type KeyedFeedbackRow,
  type NewFeedback,
  selectFeedbackByKeys,
} from '../db/queries/listener-queries.ts';
import { IdempotencyConflictError } from '../lib/errors.ts';

/** Feedback to record, with the time in the input; null for the time of recording. */
export type GivenFeedback = NewFeedback & { givenAt: Date | null };

/** The new feedback, and the feedback recorded earlier under the same keys. */
interface Recorded {
  made: FeedbackRow[];
  known: FeedbackRow[];
}

/**
 * Records new feedback, all of it or nothing. A repeated key must come with the same input, also within one batch;
 * otherwise that input would be lost ([FB5]).
 * @throws IdempotencyConflictError
 */
export function recordOnce(
  db: Database['db'],
  rows: readonly GivenFeedback[],
  pathOf: (i: number) => string,
): Promise<Recorded> {
  return db.transaction(async (tx) => {
    const made = await insertFeedback(
      tx,
      rows.map(({ givenAt: _, ...row }) => row),
    );
    if (made.length === rows.length) return { made, known: [] };
    const known = await selectFeedbackByKeys(tx, rows);
    const byKey = new Map(known.map((row) => [keyOf(row), row]));
    rows.forEach((row, i) => {
      const first = row.dedupeKey === null ? undefined : byKey.get(keyOf(row));
      if (first && !isRepeat(row, first)) throw new IdempotencyConflictError(`${pathOf(i)}idempotencyKey`);
    });
    return { made, known };
  });
}

const keyOf = ({ listenerId, dedupeKey }: Pick<KeyedFeedbackRow, 'listenerId' | 'dedupeKey'>): string =>
  `${listenerId} ${dedupeKey ?? ''}`;

/** A repetition without a time matches any time. */
function isRepeat(row: GivenFeedback, first: FeedbackRow): boolean {
  return (
    row.trackId === first.trackId &&
    row.kind === first.kind &&
    row.listenedMs === first.listenedMs &&
    row.requestId?.toLowerCase() === first.requestId?.toLowerCase() &&
    (row.givenAt === null || row.givenAt.getTime() === first.at.getTime())
  );
}
