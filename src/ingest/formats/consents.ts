import { copyConsents, mergeStagedConsents, type StagedConsent } from '../../db/imports/import-consents.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { type ImportContext, nothing, type Outcome } from '../import-context.ts';
import type { Columns } from '../reading/columns.ts';
import { readRecords } from '../reading/records.ts';
import { openSource } from '../reading/source.ts';
import { Row } from './row.ts';
import { listenerId } from './rows.ts';

/** The `consents` format: docs/import.md. */
export const consentColumns: Columns = { required: ['listener'], optional: ['training', 'analytics'] };

/** Imports what listeners allow their feedback to be used for ([CONSENT3]). */
export async function importConsents(path: string, context: ImportContext): Promise<Outcome> {
  const { tx, clock, progress, notices, step, signal } = context;
  const source = await openSource(path);
  progress.expect([source]);
  await copyConsents(
    tx,
    (async function* () {
      const chunks = source.chunks(progress.read, signal);
      for await (const records of readRecords(chunks, consentColumns, source.name, context)) {
        yield progress.accept(source.name, records, (record) => consentOf(new Row(record, notices)));
      }
    })(),
  );
  progress.checkpoint();
  step('setting consents');
  const { newListeners, ...consents } = await mergeStagedConsents(tx, new Date(clock.now()));
  return { tracks: nothing, feedback: nothing, consents, newListeners, notes: notices.notes() };
}

function consentOf(row: Row): StagedConsent {
  const said = { training: row.flag('training'), analytics: row.flag('analytics') };
  if (said.training === null && said.analytics === null)
    throw new InvalidInputError('says neither training nor analytics', 'training');
  return { listener: listenerId(row.name('listener')), ...said };
}
