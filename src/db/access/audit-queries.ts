import { and, count, desc, eq, lt } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Database, Queryable } from '../client.ts';
import { listeners } from '../tables.ts';
import { auditEntries } from './access-tables.ts';

const subjects = alias(listeners, 'subjects');

export interface AuditRow {
  id: number;
  at: Date;
  /** The external ids; null where there is no listener, or not any more. */
  actor: string | null;
  subject: string | null;
  keyPrefix: string | null;
  action: string;
  object: string | null;
  address: string | null;
  requestId: string | null;
  outcome: string;
}

export type NewAuditRow = Omit<typeof auditEntries.$inferInsert, 'id' | 'at'>;

export async function insertAuditEntry(db: Queryable, row: NewAuditRow): Promise<void> {
  await db.insert(auditEntries).values(row);
}

const only = (action: string | null) => (action === null ? undefined : eq(auditEntries.action, action));

/** Newest first. @param before null: from the newest on */
export function selectAuditEntries(
  db: Queryable,
  action: string | null,
  before: number | null,
  limit: number,
): Promise<AuditRow[]> {
  return db
    .select({
      id: auditEntries.id,
      at: auditEntries.at,
      actor: listeners.externalId,
      subject: subjects.externalId,
      keyPrefix: auditEntries.keyPrefix,
      action: auditEntries.action,
      object: auditEntries.object,
      address: auditEntries.address,
      requestId: auditEntries.requestId,
      outcome: auditEntries.outcome,
    })
    .from(auditEntries)
    .leftJoin(listeners, eq(listeners.id, auditEntries.listenerId))
    .leftJoin(subjects, eq(subjects.id, auditEntries.subjectId))
    .where(and(only(action), before === null ? undefined : lt(auditEntries.id, before)))
    .orderBy(desc(auditEntries.id))
    .limit(limit);
}

export async function countAuditEntries(db: Queryable, action: string | null): Promise<number> {
  const [row] = await db.select({ total: count() }).from(auditEntries).where(only(action));
  return row?.total ?? 0;
}

/** Removes entries older than this many days, at most so many: what the trigger lets pass. @returns how many */
export function removeOldAuditEntries({ sql }: Database, days: number, most: number): Promise<number> {
  return sql.begin(async (tx) => {
    await tx`select set_config('cadenza.audit_days', ${String(days)}, true)`;
    const { count } = await tx`
      delete from audit_entries where id in (
        select id from audit_entries where at < now() - make_interval(days => ${days}) order by at limit ${most})`;
    return count;
  });
}
