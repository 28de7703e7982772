import { catalogueWakeup } from '../catalogue/catalogue.ts';
import type { Database } from '../db/client.ts';
import { importTransaction } from '../db/imports/import-transaction.ts';
import { refreshPopularity } from '../db/recommend/popularity-queries.ts';
import { systemClock } from '../lib/clock.ts';
import { InvalidInputError } from '../lib/errors.ts';
import { importWakeup } from '../listeners/listeners.ts';
import { importConsents } from './formats/consents.ts';
import { importFeedback } from './formats/feedback.ts';
import { importLastfm } from './formats/lastfm.ts';
import { lastfmCsv } from './formats/plays/lastfm-csv.ts';
import { listenbrainz } from './formats/plays/listenbrainz.ts';
import { importPlays, type PlayFormat } from './formats/plays/plays.ts';
import { spotify } from './formats/plays/spotify.ts';
import { importSequences } from './formats/sequences.ts';
import { importTracks } from './formats/tracks.ts';
import { type ImportContext, nothing, type Outcome, startContext } from './import-context.ts';
import type { ImportOptions, ImportReport, PersonalFormat } from './import-options.ts';

const playFormats: Record<PersonalFormat, PlayFormat> = { spotify, listenbrainz, 'lastfm-csv': lastfmCsv };

/**
 * Imports one path, or several of one listener, in one transaction ([IMP1]), and refreshes popularity in it.
 * @throws InvalidInputError if a file cannot be read as this format, or if there are bad rows and `skipBad` is not set;
 * the signal's reason if it aborts. In these cases nothing has changed.
 */
export async function runImport(database: Database, options: ImportOptions): Promise<ImportReport> {
  const { clock = systemClock, signal, wakeups } = options;
  const begun = clock.monotonic();
  const context = startContext(options);
  const { progress } = context;
  const outcome = await importTransaction(database, signal, async (tx) => {
    const imported = await importFormat(options, { ...context, tx });
    context.step('refreshing popularity');
    await refreshPopularity(tx, database, new Date(clock.now()));
    return imported;
  });
  // Tastes first: live lists look again when the catalogue has changed.
  wakeups?.wake(importWakeup);
  wakeups?.wake(catalogueWakeup);
  const seconds = (clock.monotonic() - begun) / 1000;
  const { rows, bad, leftOut } = progress;
  return { rows, bad, leftOut, heard: null, consents: nothing, ...outcome, seconds };
}

function importFormat({ format, paths, listener }: ImportOptions, context: ImportContext): Promise<Outcome> {
  switch (format) {
    case 'tracks':
      return importTracks(onlyPath(paths), context);
    case 'feedback':
      return importFeedback(onlyPath(paths), context);
    case 'lastfm-2k':
      return importLastfm(onlyPath(paths), context);
    case 'consents':
      return importConsents(onlyPath(paths), context);
    case 'sequences':
      return importSequences(onlyPath(paths), context);
    case 'spotify':
    case 'listenbrainz':
    case 'lastfm-csv':
      return importPlays(playFormats[format], paths, listener ?? '', context);
  }
}

function onlyPath(paths: readonly string[]): string {
  const [path, second] = paths;
  if (path !== undefined && second === undefined) return path;
  throw new InvalidInputError(`this format is read from one path, not ${paths.length}`, 'path');
}
