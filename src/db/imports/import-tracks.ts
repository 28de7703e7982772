import {
  createTrackStaging,
  type StagedTrack,
  stagedTrackColumns,
  stagedTrackValues,
} from '../catalogue/staged-track.ts';
import type { Transaction } from '../connection/transaction.ts';
import { copyRows } from './import-copy.ts';

/** The catalogue's staging table, with each track's line. */
export async function createNumberedTrackStaging(tx: Transaction): Promise<void> {
  await createTrackStaging(tx);
  await tx`alter table staged_tracks add column line bigint`;
}

export function copyTracks(
  tx: Transaction,
  batches: AsyncIterable<readonly { line: number; row: StagedTrack }[]>,
): Promise<void> {
  return copyRows(
    tx,
    `staged_tracks (${stagedTrackColumns}, line)`,
    (async function* () {
      for await (const batch of batches) yield batch.map(({ line, row }) => [...stagedTrackValues(row), line]);
    })(),
  );
}

/** Removes all but the first track of each external id from the staging table and reports each. */
export async function takeRepeatedTracks(
  tx: Transaction,
  tell: (problem: { line: number; reason: string }) => void,
): Promise<void> {
  const repeated = tx<{ line: string; first: string; key: string }[]>`
    select line, first, external_id as key
    from (select line, external_id, min(line) over (partition by external_id) as first from staged_tracks) s
    where line > first order by line`;
  for await (const rows of repeated.cursor(1000)) {
    for (const { line, first, key } of rows) {
      tell({ line: Number(line), reason: `externalId "${key}" is that of line ${first} already` });
    }
  }
  await tx`delete from staged_tracks s using (select external_id, min(line) as line from staged_tracks group by 1) kept
    where s.external_id = kept.external_id and s.line > kept.line`;
}
