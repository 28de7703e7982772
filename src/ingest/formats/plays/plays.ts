import { createFeedbackStaging } from '../../../db/imports/import-feedback.ts';
import {
  copyPlays,
  createPlayStaging,
  heardIn,
  makeUnknownSongs,
  type SongDetails,
  type StagedPlay,
  stagePlaysAsFeedback,
} from '../../../db/imports/import-plays.ts';
import { mergeStagedFeedback } from '../../../db/imports/merge-feedback.ts';
import { InvalidInputError } from '../../../lib/errors.ts';
import { checkName } from '../../../lib/text/check-text.ts';
import type { ImportContext, LeftOut, Outcome } from '../../import-context.ts';
import type { SourceRecord } from '../../reading/records.ts';
import { openSources, type Source } from '../../reading/source.ts';
import { Row } from '../row.ts';
import { listenerId } from '../rows.ts';

/** A play in an export of one person's listening. */
export type Play = Omit<StagedPlay, 'line' | 'about'> & { about?: SongDetails | null };

/** A format for one person's listening ([IMP8]). */
export interface PlayFormat {
  /** For example `a Spotify export`. */
  named: string;
  /** Whether a file of an archive or a folder contains plays. A file given by itself always does. */
  holds: (path: string) => boolean;
  read: (chunks: AsyncGenerator<Buffer, void>, file: string) => AsyncGenerator<SourceRecord[], void>;
  /** @throws InvalidInputError with the reason if the row is bad */
  playOf: (row: Row, file: string, context: ImportContext) => Play | LeftOut;
}

/** Imports one person's listening from files that may overlap. Missing tracks are created. */
export async function importPlays(
  format: PlayFormat,
  paths: readonly string[],
  listener: string,
  context: ImportContext,
): Promise<Outcome> {
  const { tx, progress, notices, step, merged } = context;
  const who = listenerId(listener);
  const { sources, others } = await findSources(format, paths);
  progress.expect(sources);
  await createPlayStaging(tx);
  await copyPlays(tx, stagedPlays(format, sources, context));
  step('matching tracks');
  progress.checkpoint();
  const tracks = await makeUnknownSongs(tx);
  step('merging feedback');
  await createFeedbackStaging(tx);
  await stagePlaysAsFeedback(tx, who);
  const { newListeners, untimed: _, ...feedback } = await mergeStagedFeedback(tx, merged);
  const heard = { listener: who, ...(await heardIn(tx, who)) };
  return { tracks, feedback, newListeners, heard, notes: [...notices.notes(), ...otherFilesNote(others)] };
}

/** The files with plays, each once. @throws InvalidInputError if there are none */
async function findSources({ named, holds }: PlayFormat, paths: readonly string[]) {
  const sources: Source[] = [];
  const others: string[] = [];
  for (const path of paths) {
    const found = await openSources(path);
    const [only] = found;
    const wanted = only && found.length === 1 ? [only] : found.filter(({ name }) => holds(name));
    if (wanted.length === 0) throw new InvalidInputError(`${path} contains no file of ${named} with plays`, 'path');
    sources.push(...wanted);
    others.push(...found.filter((source) => !wanted.includes(source)).map(({ name }) => name));
  }
  return { sources, others };
}

function otherFilesNote(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const some = names.slice(0, 3).join(', ');
  return [`${names.length} other files contain no plays and were not read: ${some}${names.length > 3 ? ', …' : ''}.`];
}

/** Rows are numbered through all files, because lines of different files may have the same number. */
async function* stagedPlays(
  format: PlayFormat,
  sources: readonly Source[],
  context: ImportContext,
): AsyncGenerator<StagedPlay[], void> {
  const { progress, notices, signal } = context;
  let number = 0;
  for (const source of sources) {
    const { name } = source;
    for await (const records of format.read(source.chunks(progress.read, signal), name)) {
      const plays = progress.accept(name, records, (record) => {
        const play = format.playOf(new Row(record, notices), name, context);
        return 'kind' in play ? cleanPlay(play) : play;
      });
      yield plays.map(({ row }) => ({ ...row, line: ++number }));
    }
  }
}

function cleanPlay(play: Play): Omit<StagedPlay, 'line'> {
  return {
    ...play,
    about: play.about && Object.keys(play.about).length > 0 ? play.about : null,
    title: checkName(play.title, 'the title', { max: 500 }),
    artist: checkName(play.artist, 'the artist', { max: 500 }),
    album: play.album === null ? null : checkName(play.album, 'the album', { max: 500 }),
  };
}
