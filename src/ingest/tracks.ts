import { copyTracks, createNumberedTrackStaging, takeRepeatedTracks } from '../db/import-tracks.ts';
import { mergeStagedTracks } from '../db/track-merge.ts';
import { nothing, type ImportContext, type Outcome } from './import-context.ts';
import { readRecords } from './records.ts';
import { trackColumns, trackOf } from './rows.ts';
import { openSource } from './source.ts';

export async function importTracks(path: string, { tx, progress, step, signal }: ImportContext): Promise<Outcome> {
  const source = await openSource(path);
  progress.expect([source]);
  await createNumberedTrackStaging(tx);
  await copyTracks(
    tx,
    (async function* () {
      for await (const records of readRecords(source.chunks(progress.read, signal), trackColumns, source.name)) {
        yield progress.accept(source.name, records, ({ fields }) => trackOf(fields));
      }
    })(),
  );
  step('merging tracks');
  await takeRepeatedTracks(tx, ({ line, reason }) => progress.reject(source.name, line, reason));
  progress.checkpoint();
  return { tracks: await mergeStagedTracks(tx), feedback: nothing, newListeners: 0, notes: [] };
}
