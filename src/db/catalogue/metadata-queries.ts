import { and, asc, eq, exists, or, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import { metadataKeys, type metadataType, trackDetails, tracks } from '../tables.ts';
import type { StagedMetadataValue } from './staged-track.ts';
import { takeMergeTurn } from './track-merge.ts';

interface MetadataKeyRow {
  name: string;
  type: (typeof metadataType.enumValues)[number];
}

export interface MetadataMatch {
  key: string;
  /** Any of these; a list for a key whose values are lists. */
  values: readonly StagedMetadataValue[] | null;
  min: number | null;
  max: number | null;
}

export function selectMetadataKeys(db: Queryable): Promise<MetadataKeyRow[]> {
  return db.select().from(metadataKeys).orderBy(asc(metadataKeys.name));
}

export const metadataKeysIn = (tx: Transaction): Promise<MetadataKeyRow[]> =>
  tx<MetadataKeyRow[]>`select name, type from metadata_keys order by name`;

/** Inserts those that are new. @returns all keys with the types that they have */
export async function insertMetadataKeys(tx: Transaction, keys: readonly MetadataKeyRow[]): Promise<MetadataKeyRow[]> {
  await tx`lock table metadata_keys in share row exclusive mode`;
  await tx`insert into metadata_keys (name, type)
    select name, type::metadata_type from jsonb_to_recordset(${JSON.stringify(keys)}::text::jsonb) as r (name text, type text)
    on conflict (name) do nothing`;
  return metadataKeysIn(tx);
}

/** Deletes a key that no track has values of. */
export async function deleteMetadataKey(
  tx: Transaction,
  name: string,
): Promise<{ wasThere: boolean; used: number; left: MetadataKeyRow[] }> {
  await takeMergeTurn(tx);
  const [row] = await tx<{ used: number }[]>`
    select (select count(*)::int from track_details where metadata ? name) as used from metadata_keys where name = ${name}`;
  if (row?.used === 0) await tx`delete from metadata_keys where name = ${name}`;
  return { wasThere: row !== undefined, used: row?.used ?? 0, left: await metadataKeysIn(tx) };
}

/** Tracks whose metadata meet all of these conditions. */
export function metadataCondition(db: Queryable, conditions: readonly MetadataMatch[]): SQL {
  const { metadata } = trackDetails;
  const isOneOf = ({ key, values }: MetadataMatch): SQL | undefined =>
    values === null
      ? undefined
      : (or(...values.map((value) => sql`${metadata} @> ${JSON.stringify({ [key]: value })}::jsonb`)) ?? sql`false`);
  const isWithin = ({ key, min, max }: MetadataMatch): SQL | undefined =>
    min === null && max === null
      ? undefined
      : sql`jsonb_path_exists(${metadata}, ${`$.${key} ? (@ >= $min && @ <= $max)`}::jsonpath,
          ${JSON.stringify({ min: min ?? -Number.MAX_VALUE, max: max ?? Number.MAX_VALUE })}::jsonb)`;
  const hasKey = ({ key }: MetadataMatch): SQL => sql`jsonb_exists(${metadata}, ${key})`;
  const details = db
    .select({ one: sql`1` })
    .from(trackDetails)
    .where(
      and(
        eq(trackDetails.trackId, tracks.id),
        ...conditions.flatMap((one) => [hasKey(one), isOneOf(one), isWithin(one)]),
      ),
    );
  return exists(details);
}
