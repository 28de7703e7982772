import type { Database } from '../../../src/db/client.ts';
import { selectActiveVersion } from '../../../src/db/recommend/recommend-queries.ts';
import { unpackWeights } from '../../../src/recommend/model/stored-weights.ts';
import { parseWeights, serialiseWeights } from '../../../src/recommend/model/weights.ts';

export const NEXT_VERSION = 'with-next';

/**
 * Keeps a version like the active one, but with a faster scale: what comes after a track. What that is, is
 * made up by the tracks' numbers alone, so that it is the same however the catalogue came.
 * @param ids of the catalogue's tracks, by number
 */
export async function keepNextVersion(database: Database, ids: readonly number[]): Promise<void> {
  const active = await selectActiveVersion(database.db);
  if (!active) throw new Error('Nothing has been trained yet');
  const weights = parseWeights(await unpackWeights(active.weights));
  const rowOf = new Map(Array.from(weights.ids, (id, row) => [id, row]));
  const rows = Array.from(weights.ids, (id) => {
    const i = ids.indexOf(id);
    const after = [(7 * i + 1) % ids.length, (3 * i + 5) % ids.length].filter((j) => j !== i);
    return after.flatMap((j, at) => {
      const column = rowOf.get(ids[j]!);
      return column === undefined ? [] : [{ column, value: 0.3 / (1 + at) }];
    });
  });
  let end = 0;
  const next = {
    starts: Uint32Array.from([0, ...rows.map((row) => (end += row.length))]),
    columns: Uint32Array.from(rows.flat(), ({ column }) => column),
    values: Float32Array.from(rows.flat(), ({ value }) => value),
  };
  // Of as much feedback as the other, so that nothing is trained by itself.
  await database.sql`insert into recommender_versions (version, parameters, weights, active)
    select ${NEXT_VERSION}, parameters || '{"faster": "0.4"}'::jsonb, ${serialiseWeights({ ...weights, faster: [{ decay: 0.4, ...next }] })}, false
    from recommender_versions where version = ${active.version}`;
}
