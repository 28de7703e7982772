import { sql, type SQL } from 'drizzle-orm';
import { OverloadedError } from '../lib/errors.ts';
import type { Queryable } from './client.ts';

/** Any constant does, as long as nothing else in the database uses it. */
const QUEUE_LOCK = 0x71756575;
const RETRY_MS = { least: 250, most: 60_000 };

/**
 * Held to the end of the transaction, or until whoever began it has said nothing for five seconds: a process that its network
 * has left would otherwise keep all others from starting drafts, for hours ([OWN6]).
 */
const lock = (tx: Queryable, ...key: SQL[]): Promise<unknown> =>
  tx.execute(sql`select set_config('idle_in_transaction_session_timeout', '5s', true),
    pg_advisory_xact_lock(${sql.join(key, sql`, `)})`);

/**
 * To be asked in the transaction that then adds to the queue: until its end nobody else does.
 * @throws OverloadedError when so many drafts wait for a node already; a place is free about when the oldest of them has
 * waited as long again as it takes the queue to move on by one (Little's law)
 */
export async function checkQueueHasRoom(tx: Queryable, most: number): Promise<void> {
  await lock(tx, sql`${QUEUE_LOCK}`);
  const [queue] = await tx.execute<{ length: number; oldest_ms: number }>(sql`
    select count(*)::int as length, coalesce(1000 * extract(epoch from clock_timestamp() - min(created_at)), 0)::float8
      as oldest_ms from drafts where status in ('QUEUED', 'GENERATING') and owner is null`);
  const { length = 0, oldest_ms: oldest = 0 } = queue ?? {};
  if (length < most) return;
  throw new OverloadedError(`${length} drafts are waiting for a writer already`, untilNextEnd(length, oldest));
}

const untilNextEnd = (drafts: number, oldestMs: number): number =>
  Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, Math.ceil(oldestMs / drafts)));

/** Until the end of the transaction nobody else adds to the drafts of this listener. */
export async function lockDraftsOf(tx: Queryable, listenerId: number): Promise<void> {
  await lock(tx, sql`${QUEUE_LOCK}`, sql`hashint8(${listenerId}::bigint)`);
}

/** @throws OverloadedError when more than so many drafts of a listener wait or are being written ([DRAFT7]) */
export async function checkListenerHasRoom(db: Queryable, listenerId: number, most: number): Promise<void> {
  const [own] = await db.execute<{ length: number; oldest_ms: number }>(sql`
    select count(*)::int as length, coalesce(1000 * extract(epoch from clock_timestamp() - min(created_at)), 0)::float8
      as oldest_ms from drafts where status in ('QUEUED', 'GENERATING') and listener_id = ${listenerId}`);
  const { length = 0, oldest_ms: oldest = 0 } = own ?? {};
  if (length <= most) return;
  throw new OverloadedError(`Of a listener ${most} drafts can be written at once`, untilNextEnd(length, oldest));
}
