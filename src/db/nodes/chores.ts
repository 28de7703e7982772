import type { Transaction } from '../connection/transaction.ts';

/**
 * Whether this transaction is to do a chore: false where another does it, or has done it within the time. Done with the
 * transaction, and not done where that fails.
 */
export async function takeChore(tx: Transaction, name: string, withinMs: number): Promise<boolean> {
  await tx`insert into chores (name, done_at) values (${name}, '-infinity') on conflict do nothing`;
  const due = await tx`
    select 1 from chores where name = ${name} and done_at <= now() - ${withinMs}::float8 * interval '1 millisecond'
    for update skip locked`;
  if (due.length > 0) await tx`update chores set done_at = now() where name = ${name}`;
  return due.length > 0;
}
