import { type SQL, sql } from 'drizzle-orm';
import { OverloadedError } from '../../lib/errors.ts';
import { type Forecast, mayTake, retryAfter, whenMayTake } from '../../lib/fair-share.ts';
import type { Database, Queryable } from '../client.ts';
import { onlyRow } from '../only-row.ts';

/** An arbitrary constant that nothing else in the database uses. */
const QUEUE_LOCK = 0x71756575;

/**
 * Held until the end of the transaction, or until its owner has been silent for five seconds. Otherwise a process that
 * lost its network would keep all others from starting drafts for hours ([OWN6]).
 */
const lock = (tx: Queryable, ...key: SQL[]): Promise<unknown> =>
  tx.execute(sql`select set_config('idle_in_transaction_session_timeout', '5s', true),
    pg_advisory_xact_lock(${sql.join(key, sql`, `)})`);

/** The limit on drafts that wait in the database for a node with a free place. */
export interface QueueBound {
  /** Maximum number of waiting drafts. */
  most: number;
  /** When the nodes' slots become free. Null if unknown. */
  forecast: Forecast | null;
}

/**
 * Call it in the transaction that then adds to the queue. Until its end nobody else can add.
 * @throws OverloadedError if the queue is full, or the rest is reserved for other listeners ([FAIR1])
 */
export async function checkQueueHasRoom(tx: Queryable, listenerId: number, bound: QueueBound): Promise<void> {
  await lock(tx, sql`${QUEUE_LOCK}`);
  const queue = await tx.execute<{ length: number; own: number; oldest: number }>(sql`
    select count(*)::int as length, count(*) filter (where listener_id = ${listenerId})::int as own,
      ${oldestMs} as oldest
    from drafts where status in ('QUEUED', 'GENERATING') and owner is null`);
  const { length, own, oldest } = onlyRow(queue);
  const free = bound.most - length;
  if (mayTake(own, free)) return;
  const wait = untilRoom(own, free, bound.forecast?.endsMs ?? []) ?? oldest / Math.max(1, length);
  if (free < 1) throw new OverloadedError(`the queue of ${length} drafts is full`, retryAfter(wait));
  throw new OverloadedError(
    `you already have ${own} drafts waiting; the remaining capacity is reserved for other listeners`,
    retryAfter(wait),
  );
}

/** For each slot that becomes free, one waiting draft is taken up, possibly another listener's. */
const untilRoom = (own: number, free: number, endsMs: readonly number[]): number | null =>
  whenMayTake(
    own,
    free,
    endsMs.map((ms) => ({ own: false, ms })),
  );

const oldestMs = sql`coalesce(1000 * extract(epoch from clock_timestamp() - min(created_at)), 0)::float8`;

/** Until the end of the transaction nobody else can add to the drafts of this listener. */
export async function lockDraftsOf(tx: Queryable, listenerId: number): Promise<void> {
  await lock(tx, sql`${QUEUE_LOCK}`, sql`hashint8(${listenerId}::bigint)`);
}

/**
 * @throws OverloadedError if the listener has too many drafts waiting or being written ([DRAFT7]). Another is possible
 * when the one with the fewest remaining tokens has been written, at the measured pace.
 */
export async function checkListenerHasRoom(
  db: Queryable,
  listenerId: number,
  most: number,
  forecast: Forecast | null,
): Promise<void> {
  const left = sql`(sampling->>'maxTokens')::int - greatest(0, sequence - coalesce((turns->-1->>'from')::int, 1))`;
  const drafts = await db.execute<{
    length: number;
    written: number | null;
    waiting: number | null;
    oldest: number;
  }>(sql`
    select count(*)::int as length, min(${left}) filter (where owner is not null)::int as written,
      min(${left}) filter (where owner is null)::int as waiting, ${oldestMs} as oldest
    from drafts where status in ('QUEUED', 'GENERATING') and listener_id = ${listenerId}`);
  const { length, written, waiting, oldest } = onlyRow(drafts);
  if (length <= most) return;
  const message = `Of a listener ${most} drafts can wait or be written at once`;
  if (!forecast) throw new OverloadedError(message, retryAfter(oldest / length));
  const { stepMs, endsMs } = forecast;
  const wait = written === null ? (endsMs[0] ?? 0) + stepMs * (waiting ?? 0) : stepMs * written;
  throw new OverloadedError(message, retryAfter(wait));
}

/** Number of drafts that wait for a node with a free place. */
export async function countUnowned({ db }: Pick<Database, 'db'>): Promise<number> {
  const counted = await db.execute<{ n: number }>(sql`
    select count(*)::int as n from drafts where status in ('QUEUED', 'GENERATING') and owner is null`);
  return onlyRow(counted).n;
}
