import { copyFeedback, createFeedbackStaging, mergeStagedFeedback, takeUnknownTracks } from '../db/import-feedback.ts';
import { nothing, type ImportContext, type Outcome } from './import-context.ts';
import { readRecords } from './records.ts';
import { feedbackColumns, feedbackOf } from './rows.ts';
import { openSource } from './source.ts';

export async function importFeedback(path: string, context: ImportContext): Promise<Outcome> {
  const { tx, clock, progress, step, signal } = context;
  const source = await openSource(path);
  progress.expect([source]);
  await createFeedbackStaging(tx);
  await copyFeedback(
    tx,
    (async function* () {
      for await (const records of readRecords(source.chunks(progress.read, signal), feedbackColumns, source.name)) {
        yield progress.accept(source.name, records, ({ fields }) => feedbackOf(fields, clock));
      }
    })(),
  );
  step('looking up tracks');
  await takeUnknownTracks(tx, ({ line, track }) => {
    progress.reject(source.name, line, `track "${track}" is not in the catalogue; import the tracks first`);
  });
  progress.checkpoint();
  step('merging listening');
  const { newListeners, untimed, ...feedback } = await mergeStagedFeedback(tx);
  return { tracks: nothing, feedback, newListeners, notes: untimedNote(untimed) };
}

function untimedNote(untimed: number): string[] {
  if (untimed === 0) return [];
  return [`${untimed} rows came without a time: they got the time of the import, or keep that of an earlier one.`];
}
