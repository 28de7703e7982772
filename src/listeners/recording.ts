import type { Database } from '../db/client.ts';
import {
  type FeedbackRow,
  insertFeedback,
  type KeyedFeedbackRow,
  type NewFeedback,
  selectFeedbackByKeys,
} from '../db/queries/listener-queries.ts';
import { IdempotencyConflictError } from '../lib/errors.ts';

/** Feedback that is to be recorded, with the time that it was given; null: that of its recording. */
export type GivenFeedback = NewFeedback & { givenAt: Date | null };

/** What was new, and what had been recorded under the same keys before. */
interface Recorded {
  made: FeedbackRow[];
  known: FeedbackRow[];
}

/**
 * Records what is new, all of it or nothing. What repeats a key has to repeat its input as well, also within the same batch:
 * it would be lost otherwise ([FB5]). @throws IdempotencyConflictError
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

/** A repeat that leaves the time to the server is one of whatever time. */
function isRepeat(row: GivenFeedback, first: FeedbackRow): boolean {
  return (
    row.trackId === first.trackId &&
    row.kind === first.kind &&
    row.listenedMs === first.listenedMs &&
    row.requestId?.toLowerCase() === first.requestId?.toLowerCase() &&
    (row.givenAt === null || row.givenAt.getTime() === first.at.getTime())
  );
}
