import { copyFeedback, createFeedbackStaging, takeUnknownTracks } from '../../db/imports/import-feedback.ts';
import { mergeStagedFeedback } from '../../db/imports/merge-feedback.ts';
import { type ImportContext, nothing, type Outcome } from '../import-context.ts';
import { readRecords } from '../reading/records.ts';
import { openSource } from '../reading/source.ts';
import { Row } from './row.ts';
import { feedbackColumns, feedbackRowOf } from './rows.ts';

export async function importFeedback(path: string, context: ImportContext): Promise<Outcome> {
  const { tx, clock, progress, notices, step, merged, signal } = context;
  const source = await openSource(path);
  progress.expect([source]);
  await createFeedbackStaging(tx);
  await copyFeedback(
    tx,
    (async function* () {
      const chunks = source.chunks(progress.read, signal);
      for await (const records of readRecords(chunks, feedbackColumns, source.name, context)) {
        yield progress.accept(source.name, records, (record) => feedbackRowOf(new Row(record, notices), clock));
      }
    })(),
  );
  step('looking up tracks');
  await takeUnknownTracks(tx, ({ line, track }) => {
    progress.reject(source.name, line, `track "${track}" is not in the catalogue; import the tracks first`);
  });
  progress.checkpoint();
  step('merging feedback');
  const { newListeners, untimed, ...feedback } = await mergeStagedFeedback(tx, merged);
  return { tracks: nothing, feedback, newListeners, notes: [...untimedNote(untimed), ...notices.notes()] };
}

function untimedNote(untimed: number): string[] {
  if (untimed === 0) return [];
  return [`${untimed} rows came without a time: they got the time of the import, or keep that of an earlier one.`];
}
