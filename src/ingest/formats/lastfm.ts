import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TAG_LIMITS } from '../../catalogue/catalogue.ts';
import { nameKey } from '../../db/catalogue/staged-track.ts';
import { mergeStagedTracks } from '../../db/catalogue/track-merge.ts';
import {
  copyFeedback,
  createFeedbackStaging,
  type StagedFeedback,
  takeUnknownTracks,
} from '../../db/imports/import-feedback.ts';
import { stageLastfm, stageLastfmTracks, takeRepeatedIds } from '../../db/imports/import-lastfm.ts';
import { createNumberedTrackStaging } from '../../db/imports/import-tracks.ts';
import { mergeStagedFeedback } from '../../db/imports/merge-feedback.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkName, checkRange } from '../../lib/text/check-text.ts';
import type { ImportContext, Outcome } from '../import-context.ts';
import { type Encoding, readLines } from '../reading/lines.ts';
import { explainFileError, openSource, type Source } from '../reading/source.ts';
import { playCount } from './rows.ts';

/** A table of the folder: tab-separated, with this header. Only the tags are in ISO-8859-1. */
interface Table {
  name: string;
  header: readonly string[];
  encoding: Encoding;
}

const tables = {
  artists: { name: 'artists.dat', header: ['id', 'name', 'url', 'pictureURL'], encoding: 'utf8' },
  tags: { name: 'tags.dat', header: ['tagID', 'tagValue'], encoding: 'latin1' },
  taggings: {
    name: 'user_taggedartists.dat',
    header: ['userID', 'artistID', 'tagID', 'day', 'month', 'year'],
    encoding: 'utf8',
  },
  plays: { name: 'user_artists.dat', header: ['userID', 'artistID', 'weight'], encoding: 'utf8' },
} as const satisfies Record<string, Table>;

type Sources = Record<keyof typeof tables, Source>;

/**
 * The HetRec 2011 Last.fm folder (Cantador, Brusilovsky and Kuflik, RecSys 2011), plain or gzipped. Its items are
 * artists. Each becomes one track with the artist's name as its title; play counts become PLAY rows with `plays`, and
 * tags become the track's.
 */
export async function importLastfm(path: string, context: ImportContext): Promise<Outcome> {
  const { tx, progress, step, merged } = context;
  const sources = await openFolder(path);
  progress.expect(Object.values(sources));
  await stageArtists(sources, context);
  await stageTags(sources, context);
  step('merging tracks');
  await createNumberedTrackStaging(tx);
  const leftOut = await stageLastfmTracks(tx, TAG_LIMITS);
  progress.checkpoint();
  const tracks = await mergeStagedTracks(tx);
  await stagePlays(sources, context);
  step('merging feedback');
  await takeUnknownTracks(tx, ({ line, track }) => {
    progress.reject(sources.plays.name, line, `artistID ${track.replace(/.*:/, '')} is not in ${sources.artists.name}`);
  });
  progress.checkpoint();
  const { newListeners, untimed: _, ...feedback } = await mergeStagedFeedback(tx, merged);
  return { tracks, feedback, newListeners, notes: notesOn(leftOut, sources) };
}

function notesOn({ orphans, long, beyond }: LeftOut, { artists, tags }: Sources): string[] {
  const { mostTags, longestTag } = TAG_LIMITS;
  return [
    'Play counts carry no times: each row has the time of its first import.',
    ...(orphans === 0
      ? []
      : [`${orphans} tag assignments name what ${artists.name} or ${tags.name} does not list; they are left out.`]),
    ...(long === 0 ? [] : [`${long} tags have more than ${longestTag} characters; they are left out.`]),
    ...(beyond === 0 ? [] : [`${beyond} tags are beyond the ${mostTags} of an artist; the least used are left out.`]),
  ];
}

type LeftOut = Awaited<ReturnType<typeof stageLastfmTracks>>;

async function openFolder(path: string): Promise<Sources> {
  const names = await readdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw explainFileError(error, path);
    throw new InvalidInputError(
      `${path} is a file; lastfm-2k is a folder of files; for a personal export use lastfm-csv`,
      'path',
    );
  });
  const pathOf = ({ name }: Table): string => {
    const found = [name, `${name}.gz`].find((candidate) => names.includes(candidate));
    if (found) return join(path, found);
    throw new InvalidInputError(`${path} has neither ${name} nor ${name}.gz`, 'path');
  };
  const open = (table: Table) => openSource(pathOf(table));
  return {
    artists: await open(tables.artists),
    tags: await open(tables.tags),
    taggings: await open(tables.taggings),
    plays: await open(tables.plays),
  };
}

async function stageArtists({ artists: source }: Sources, context: ImportContext): Promise<void> {
  const rows = readTable(source, tables.artists, context, ([id = '', name = '']) => {
    const clean = checkName(name, 'name', { max: 500 });
    return [idOf(id, 'id'), clean, nameKey(clean)];
  });
  await stageLastfm(context.tx, 'artists', rows);
  await takeRepeatedIds(context.tx, 'artists', ({ line, reason }) =>
    context.progress.reject(source.name, line, reason),
  );
}

async function stageTags({ tags: source, taggings }: Sources, context: ImportContext): Promise<void> {
  const names = readTable(source, tables.tags, context, ([id = '', name = '']) => [
    idOf(id, 'tagID'),
    checkName(name, 'tagValue', { max: 200 }).toLowerCase(),
  ]);
  await stageLastfm(context.tx, 'tags', names);
  await takeRepeatedIds(context.tx, 'tags', ({ line, reason }) => context.progress.reject(source.name, line, reason));
  const applied = readTable(taggings, tables.taggings, context, ([listener = '', artist = '', tag = '']) => [
    idOf(listener, 'userID'),
    idOf(artist, 'artistID'),
    idOf(tag, 'tagID'),
  ]);
  await stageLastfm(context.tx, 'taggings', applied);
}

async function stagePlays({ plays: source }: Sources, context: ImportContext): Promise<void> {
  const { tx, clock } = context;
  const at = new Date(clock.now());
  await createFeedbackStaging(tx);
  const rows = readRows(source, tables.plays, context, ([listener = '', artist = '', weight = '']): StagedFeedback => {
    const who = { listener: `lastfm:${idOf(listener, 'userID')}`, track: `lastfm:artist:${idOf(artist, 'artistID')}` };
    return {
      ...who,
      kind: 'PLAY',
      plays: playCount(number(weight, 'weight')),
      listenedMs: null,
      at,
      timed: false,
      key: null,
    };
  });
  await copyFeedback(tx, rows);
}

/** The rows' values, preceded by their line, as the staging tables store them. */
async function* readTable<Values extends (string | number)[]>(
  source: Source,
  table: Table,
  context: ImportContext,
  make: (values: readonly string[]) => Values,
) {
  for await (const rows of readRows(source, table, context, make)) yield rows.map(({ line, row }) => [line, ...row]);
}

async function* readRows<Row>(
  source: Source,
  { header, encoding }: Table,
  { progress, signal }: ImportContext,
  make: (values: readonly string[]) => Row,
) {
  let isFirst = true;
  for await (const lines of readLines(source.chunks(progress.read, signal), encoding)) {
    if (isFirst) checkHeader(source, header, lines.shift());
    isFirst = false;
    yield progress.accept(source.name, lines, ({ text }) => make(split(text, header.length)));
  }
  // An empty file has no header either.
  if (isFirst) checkHeader(source, header, undefined);
}

function checkHeader(
  { name }: Source,
  header: readonly string[],
  line: { text: string } | { problem: string } | undefined,
): void {
  if (line && 'text' in line && line.text === header.join('\t')) return;
  throw new InvalidInputError(
    `${name} does not begin with the header ${header.join(', ')} (separated by tabs)`,
    'path',
  );
}

function split(text: string, columns: number): string[] {
  const values = text.split('\t');
  if (values.length === columns) return values;
  throw new InvalidInputError(`the row has ${values.length} values, the header ${columns} columns`);
}

function idOf(value: string, column: string): number {
  return checkRange(number(value, column), column, 0, 2 ** 31 - 1);
}

function number(value: string, column: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new InvalidInputError(`${column} must be a whole number, not "${value.slice(0, 30)}"`, column);
}
