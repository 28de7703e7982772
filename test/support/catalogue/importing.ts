import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { type ImportFormat, type ImportReport, runImport } from '../../../src/ingest/ingest.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { temporaryFolder } from '../folder.ts';
import { createDatabase } from '../postgres/database.ts';

export const NOW = Date.parse('2026-06-15T12:00:00Z');
export const fixedClock: Clock = { now: () => NOW, monotonic: () => performance.now() };

export interface Imported {
  /** Null when it failed. */
  report: ImportReport | null;
  /** What it failed with. */
  error: string | null;
  /** `line: reason`, in the order in which they were told. */
  bad: string[];
}

type Options = Omit<Parameters<typeof runImport>[1], 'format' | 'paths' | 'onBadRow'>;

/** Imports files or folders that are there, at noon on 15 June 2026. */
export async function importPath(
  database: Database,
  format: ImportFormat,
  path: string | readonly string[],
  options: Options = {},
): Promise<Imported> {
  const bad: string[] = [];
  const onBadRow = ({ line, reason }: { line: number; reason: string }) => void bad.push(`${line}: ${reason}`);
  try {
    const report = await runImport(database, { clock: fixedClock, ...options, format, paths: [path].flat(), onBadRow });
    return { report, error: null, bad };
  } catch (error) {
    return { report: null, error: (error as Error).message, bad };
  }
}

/** Imports a file with this content; text may be given as its lines. */
export async function importContent(
  database: Database,
  format: ImportFormat,
  content: string | Buffer | readonly string[],
  options: Options = {},
): Promise<Imported> {
  return importPath(database, format, await fileWith(content), options);
}

/** A file of the running test. */
export async function fileWith(content: string | Buffer | readonly string[], name?: string): Promise<string> {
  const path = join(await temporaryFolder(), name ?? `file-${randomBytes(4).toString('hex')}`);
  await writeFile(path, typeof content === 'string' || Buffer.isBuffer(content) ? content : `${content.join('\n')}\n`);
  return path;
}

const tables = [
  'albums',
  'artists',
  'feedback',
  'genres',
  'listeners',
  'tags',
  'track_artists',
  'track_details',
  'track_genres',
  'track_tags',
  'tracks',
] as const;

/** A database for the whole file, empty at the start of each test. */
export function sharedDatabase(): () => Database {
  let database: Database;
  beforeAll(async () => {
    database = await createDatabase();
  });
  beforeEach(() => database.sql`truncate ${database.sql(tables)} cascade`);
  afterAll(() => database[Symbol.asyncDispose]());
  return () => database;
}

/** Every row of the catalogue and the listening, with the transaction that wrote it: even a rewrite of the same shows. */
export async function contentsOf({ sql }: Database): Promise<Record<string, string[]>> {
  const contents: Record<string, string[]> = {};
  for (const table of tables) {
    const rows = await sql<{ row: string }[]>`
      select t.xmin || ' ' || row_to_json(t) as row from ${sql(table)} t order by row_to_json(t)::text`;
    contents[table] = rows.map(({ row }) => row);
  }
  return contents;
}

/** How many rows there are in all tables of the catalogue and the listening. */
export async function rowsIn(database: Database): Promise<number> {
  return Object.values(await contentsOf(database)).reduce((sum, rows) => sum + rows.length, 0);
}

export interface TrackRow {
  key: string;
  title: string;
  artist: string;
  album: string | null;
  year: number | null;
  ms: number | null;
  explicit: boolean;
  genres: string[];
  tags: string[];
}

/** The catalogue by external id. */
export async function tracksOf({ sql }: Database): Promise<TrackRow[]> {
  const rows = await sql<(Omit<TrackRow, 'genres' | 'tags'> & { genres: string; tags: string })[]>`
    select t.external_id as key, t.title, a.name as artist, b.title as album, release_year as year, duration_ms as ms, explicit,
      (select coalesce(jsonb_agg(g.name order by l.position), '[]') from track_genres l join genres g on g.id = l.genre_id
        where l.track_id = t.id)::text as genres,
      (select coalesce(jsonb_agg(g.name || ' ' || l.weight order by g.name), '[]') from track_tags l join tags g on g.id = l.tag_id
        where l.track_id = t.id)::text as tags
    from tracks t join artists a on a.id = t.artist_id left join albums b on b.id = t.album_id order by t.external_id`;
  return rows.map((row) => ({
    ...row,
    genres: JSON.parse(row.genres) as string[],
    tags: JSON.parse(row.tags) as string[],
  }));
}

export interface FeedbackRow {
  who: string;
  track: string;
  kind: string;
  plays: number;
  ms: number | null;
  at: string;
}

/** The listening by listener, time and track. */
export async function feedbackIn({ sql }: Database): Promise<FeedbackRow[]> {
  const rows = await sql<FeedbackRow[]>`
    select l.external_id as who, t.external_id as track, kind, plays, listened_ms as ms, at
    from feedback f join listeners l on l.id = f.listener_id join tracks t on t.id = f.track_id order by who, at, track, f.id`;
  return rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
}
