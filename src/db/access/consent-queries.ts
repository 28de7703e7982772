import type { PendingQuery, Row } from 'postgres';
import type { Database } from '../client.ts';
import type { Sql, Transaction } from '../connection/transaction.ts';
import type { Purposes } from './purposes.ts';

/** What holds for a listener. */
export interface ConsentRow extends Purposes {
  listenerId: number;
  /** Null if they have not said. */
  updatedAt: Date | null;
}

type StoredConsent = Omit<ConsentRow, 'updatedAt'> & { updatedAt: string | null };
type Runner = Sql | Transaction;
type Fragment = PendingQuery<Row[]>;

/** The demo's listeners are nobody. */
const holds = (sql: Runner, purpose: keyof Purposes, unlessSaid: Purposes): Fragment => sql`
  coalesce(${purpose === 'training' ? sql`asked.allows_training` : sql`asked.allows_analytics`},
    asked.simulated or ${unlessSaid[purpose]}::boolean)`;

/** The condition that the listener of a row allows the use ([CONSENT1]). @param listenerId a column */
export const allowing = (
  sql: Runner,
  purpose: keyof Purposes,
  { consentUnlessSaid }: Pick<Database, 'consentUnlessSaid'>,
  listenerId: Fragment,
): Fragment => sql`
  not exists (select from listeners asked where asked.id = ${listenerId} and not ${holds(sql, purpose, consentUnlessSaid)})`;

export async function selectConsents(
  { sql, consentUnlessSaid }: Database,
  listenerIds: readonly number[],
): Promise<ConsentRow[]> {
  const rows = await sql<StoredConsent[]>`
    select id::float8 as "listenerId", ${holds(sql, 'training', consentUnlessSaid)} as training,
      ${holds(sql, 'analytics', consentUnlessSaid)} as analytics, consent_updated_at as "updatedAt"
    from listeners asked where id = any (${`{${listenerIds.join()}}`}::text::bigint[])`;
  return rows.map(({ updatedAt, ...row }) => ({ ...row, updatedAt: updatedAt === null ? null : new Date(updatedAt) }));
}

/** What is absent stays as it is. @returns whether there is such a listener */
export async function writeConsent(
  { sql }: Database,
  listenerId: number,
  { training, analytics }: Partial<Purposes>,
  at: Date,
): Promise<boolean> {
  const { count } = await sql`
    update listeners set allows_training = coalesce(${training ?? null}::boolean, allows_training),
      allows_analytics = coalesce(${analytics ?? null}::boolean, allows_analytics),
      consent_updated_at = ${at.toISOString()}::timestamptz
    where id = ${listenerId}`;
  return count > 0;
}

/** What an account has not said of a purpose, its visitor said for it. Where both have, a refusal holds ([CONSENT1]). */
export async function moveConsent(tx: Transaction, visitor: number, account: number): Promise<void> {
  await tx`
    update listeners own set
      allows_training = coalesce(own.allows_training and v.allows_training, own.allows_training, v.allows_training),
      allows_analytics = coalesce(own.allows_analytics and v.allows_analytics, own.allows_analytics, v.allows_analytics),
      consent_updated_at = greatest(own.consent_updated_at, v.consent_updated_at)
    from listeners v where own.id = ${account} and v.id = ${visitor} and v.consent_updated_at is not null`;
}
