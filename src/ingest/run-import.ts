import { catalogueWakeup } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { importTransaction } from '../db/import-transaction.ts';
import { refreshPopularity } from '../db/track-merge.ts';
import { systemClock } from '../lib/clock.ts';
import { importFeedback } from './feedback.ts';
import { Progress, type ImportContext, type Outcome } from './import-context.ts';
import type { ImportOptions, ImportReport } from './import-options.ts';
import { importLastfm } from './lastfm.ts';
import { importSequences } from './sequences.ts';
import { importTracks } from './tracks.ts';

/**
 * Imports one file or folder in one transaction ([IMP1]) and brings popularity up to date in it.
 * @throws InvalidInputError when the file cannot be read as this format, or when it has bad rows and `skipBad` is not set;
 * whatever the signal's reason is, when it aborts. Then nothing has changed.
 */
export async function runImport(database: Database, options: ImportOptions): Promise<ImportReport> {
  const { clock = systemClock, signal, wakeups } = options;
  const begun = clock.monotonic();
  const progress = new Progress(options);
  const outcome = await importTransaction(database, signal, async (tx) => {
    const step = (text: string) => options.onStep?.(text);
    const imported = await importFormat(options, { tx, clock, progress, step, ...(signal && { signal }) });
    step('refreshing popularity');
    await refreshPopularity(tx, new Date(clock.now()));
    return imported;
  });
  wakeups?.wake(catalogueWakeup);
  const seconds = (clock.monotonic() - begun) / 1000;
  return { rows: progress.rows, bad: progress.bad, ...outcome, seconds };
}

function importFormat({ format, path }: ImportOptions, context: ImportContext): Promise<Outcome> {
  switch (format) {
    case 'tracks':
      return importTracks(path, context);
    case 'feedback':
      return importFeedback(path, context);
    case 'lastfm-2k':
      return importLastfm(path, context);
    case 'sequences':
      return importSequences(path, context);
  }
}
