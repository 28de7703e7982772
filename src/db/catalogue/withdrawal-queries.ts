import type { Sql } from '../connection/transaction.ts';
import { takeMergeTurn } from './track-merge.ts';

/** Tracks by external id or by our id, in the order in which they were named. */
export interface NamedTracks {
  externalIds: readonly string[];
  ids: readonly number[];
}

export type Withdrawal = { withdrawn: number; unchanged: number } | { unknown: NamedTracks };

/** Withdraws these tracks, or none if any does not exist. A concurrent merge of tracks runs before or after it. */
export function markWithdrawn(sql: Sql, { externalIds, ids }: NamedTracks, at: Date): Promise<Withdrawal> {
  return sql.begin(async (tx): Promise<Withdrawal> => {
    await takeMergeTurn(tx);
    const found = await tx<{ id: number; externalId: string }[]>`
      select id::float8 as id, external_id as "externalId" from tracks
      where external_id = any(array(select jsonb_array_elements_text(${JSON.stringify(externalIds)}::text::jsonb)))
        or id = any(array(select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb)::bigint))`;
    const known = { externalIds: new Set(found.map((row) => row.externalId)), ids: new Set(found.map(({ id }) => id)) };
    const unknown = {
      externalIds: externalIds.filter((one) => !known.externalIds.has(one)),
      ids: ids.filter((one) => !known.ids.has(one)),
    };
    if (unknown.externalIds.length + unknown.ids.length > 0) return { unknown };
    const { count: withdrawn } = await tx`
      update tracks set withdrawn_at = ${at.toISOString()}::timestamptz, popularity = 0,
        revision = nextval('catalogue_revisions')
      where id = any(array(select jsonb_array_elements_text(${JSON.stringify(found.map(({ id }) => id))}::text::jsonb)::bigint))
        and withdrawn_at is null`;
    return { withdrawn, unchanged: found.length - withdrawn };
  });
}
