import type { MergeCounts } from '../catalogue/track-merge.ts';
import type { Transaction } from '../connection/transaction.ts';
import { copyRows } from './import-copy.ts';

/** A validated row of a source. Null: nothing is said of the purpose. */
export interface StagedConsent {
  /** The external id. */
  listener: string;
  training: boolean | null;
  analytics: boolean | null;
}

/** Stages rows in a temporary table, which is not logged. */
export async function copyConsents(
  tx: Transaction,
  batches: AsyncIterable<readonly { line: number; row: StagedConsent }[]>,
): Promise<void> {
  await tx`create temp table staged_consents (line bigint, listener text, training boolean, analytics boolean) on commit drop`;
  const rows = (async function* () {
    for await (const batch of batches)
      yield batch.map(({ line, row: { listener, training, analytics } }) => [line, listener, training, analytics]);
  })();
  await copyRows(tx, 'staged_consents (line, listener, training, analytics)', rows);
}

/** Listeners are made where there is none. Of several rows of one listener the last that says something of a purpose counts. */
export async function mergeStagedConsents(tx: Transaction, at: Date): Promise<MergeCounts & { newListeners: number }> {
  await tx`create temp table said_consents on commit drop as
    select listener, (array_agg(training order by line desc) filter (where training is not null))[1] as training,
      (array_agg(analytics order by line desc) filter (where analytics is not null))[1] as analytics
    from staged_consents group by listener`;
  const { count: newListeners } = await tx`
    insert into listeners (external_id, display_name) select listener, listener from said_consents order by listener
    on conflict (external_id) do nothing`;
  const { count: changed } = await tx`
    update listeners set allows_training = coalesce(s.training, allows_training),
      allows_analytics = coalesce(s.analytics, allows_analytics), consent_updated_at = ${at.toISOString()}::timestamptz
    from said_consents s where s.listener = external_id
      and (s.training is not null and s.training is distinct from allows_training
        or s.analytics is not null and s.analytics is distinct from allows_analytics)`;
  const [all] = await tx<[{ count: number }]>`select count(*)::float8 as count from staged_consents`;
  return { created: 0, updated: changed, unchanged: all.count - changed, newListeners };
}
