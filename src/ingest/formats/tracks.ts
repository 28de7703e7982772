import { metadataKeysIn } from '../../db/catalogue/metadata-queries.ts';
import { mergeStagedTracks } from '../../db/catalogue/track-merge.ts';
import { copyTracks, createNumberedTrackStaging, takeRepeatedTracks } from '../../db/imports/import-tracks.ts';
import { type ImportContext, nothing, type Outcome } from '../import-context.ts';
import { readRecords } from '../reading/records.ts';
import { openSource } from '../reading/source.ts';
import { Row } from './row.ts';
import { trackColumns, trackOf } from './track-rows.ts';

export async function importTracks(path: string, context: ImportContext): Promise<Outcome> {
  const { tx, progress, notices, step, signal } = context;
  const source = await openSource(path);
  progress.expect([source]);
  const keys = new Map((await metadataKeysIn(tx)).map(({ name, type }) => [name, type]));
  await createNumberedTrackStaging(tx);
  await copyTracks(
    tx,
    (async function* () {
      const chunks = source.chunks(progress.read, signal);
      for await (const records of readRecords(chunks, trackColumns(keys), source.name, context)) {
        yield progress.accept(source.name, records, (record) => trackOf(new Row(record, notices), keys));
      }
    })(),
  );
  step('merging tracks');
  await takeRepeatedTracks(tx, ({ line, reason }) => progress.reject(source.name, line, reason));
  progress.checkpoint();
  return { tracks: await mergeStagedTracks(tx), feedback: nothing, newListeners: 0, notes: notices.notes() };
}
