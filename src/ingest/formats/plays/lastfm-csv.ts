import { InvalidInputError } from '../../../lib/errors.ts';
import { readContent } from '../../reading/content.ts';
import type { CsvRecord } from '../../reading/csv.ts';
import { formatHint } from '../../reading/format-hint.ts';
import type { JsonObject } from '../../reading/json.ts';
import { type SourceRecord, toFields } from '../../reading/records.ts';
import { instantOf } from '../dates.ts';
import { pastInstant } from '../rows.ts';
import type { PlayFormat } from './plays.ts';
import { scrobbleMoment, timeless } from './scrobbles.ts';

/** The start of Last.fm. */
const FIRST_SCROBBLE = Date.parse('2002-01-01T00:00:00Z');

/**
 * Exporters' names for our columns, without case, spaces and underscores. If several occur, the first in this order
 * counts.
 */
const names = {
  artist: ['artist', 'artistname'],
  track: ['track', 'trackname', 'title', 'song', 'songname', 'name'],
  album: ['album', 'albumname', 'release'],
  time: [
    'uts',
    'timestamp',
    'unixtime',
    'unixtimestamp',
    'utctime',
    'date',
    'datetime',
    'time',
    'playedat',
    'scrobbledat',
  ],
} as const;
type Column = keyof typeof names;

/** The columns of lastfm-to-csv, which writes no header. */
const WITHOUT_HEADER: readonly Column[] = ['artist', 'album', 'track', 'time'];

/** CSV exports of a Last.fm account, with a header or, from lastfm-to-csv, without one. Rules: docs/import.md. */
export const lastfmCsv: PlayFormat = {
  named: 'a Last.fm export',
  holds: (path) => /\.(csv|tsv|txt)$/i.test(path),
  read: readScrobbles,
  playOf: (row, _, { clock }) => {
    const heardAt = row.instant('time');
    if (heardAt === null || heardAt.getTime() < FIRST_SCROBBLE) return timeless;
    const at = pastInstant(heardAt, clock, 'the time');
    return {
      title: row.name('track'),
      artist: row.name('artist'),
      album: row.optionalName('album'),
      ...{ kind: 'PLAY', listenedMs: null, at, coarse: !isExact(row.text('time') ?? ''), moment: scrobbleMoment(at) },
    };
  },
};

const isExact = (time: string): boolean => /:\d\d:\d\d|^\s*\d+(\.\d+)?\s*$/.test(time);

async function* readScrobbles(
  chunks: AsyncGenerator<Buffer, void>,
  file: string,
): AsyncGenerator<SourceRecord[], void> {
  const content = await readContent(chunks, file);
  if (content.kind === 'json') throw refusal(file, await firstKeys(content.batches));
  let columns: readonly (Column | null)[] | null = null;
  for await (const records of content.batches) {
    if (records[0]) columns ??= headerOf(records, file);
    const known = columns ?? [];
    yield records.map((record) => ('problem' in record ? record : toFields(record.line, record.values, known)));
  }
}

/** The columns, from a header, which is removed from the records, or those of lastfm-to-csv. */
function headerOf(records: CsvRecord[], file: string): readonly (Column | null)[] {
  const [first] = records;
  if (!first || 'problem' in first) throw refusal(file, []);
  const header = columnsOf(first.values);
  if (header) {
    records.shift();
    return header;
  }
  const time = first.values[WITHOUT_HEADER.indexOf('time')]?.trim() ?? '';
  const isHeaderless = first.values.length === WITHOUT_HEADER.length && (time === '' || instantOf(time) !== null);
  if (isHeaderless) return WITHOUT_HEADER;
  throw refusal(file, first.values);
}

/** Null unless the values name an artist, a track and a time. */
function columnsOf(values: readonly string[]): (Column | null)[] | null {
  const theirs = values.map((value) => value.toLowerCase().replace(/[\s_-]|\(.*\)/g, ''));
  const columns: (Column | null)[] = theirs.map(() => null);
  for (const column of ['artist', 'track', 'album', 'time'] as const) {
    const at = names[column].map((name) => theirs.indexOf(name)).find((index) => index >= 0);
    if (at !== undefined) columns[at] = column;
    else if (column !== 'album') return null;
  }
  return columns;
}

async function firstKeys(batches: AsyncIterable<JsonObject[]>): Promise<string[]> {
  for await (const [first] of batches) if (first) return 'fields' in first ? Object.keys(first.fields) : [];
  return [];
}

function refusal(file: string, columns: readonly string[]): InvalidInputError {
  const forms =
    'a header that names artist, track and a time (uts, date, …), or artist, album, track, date without one';
  const hint = formatHint(columns, ['uts', 'utc_time', 'artist_mbid', 'track_mbid']);
  return new InvalidInputError(`${file} is not a Last.fm export: that is CSV with ${forms}${hint}`, 'path');
}
