import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, type Database } from '../src/db/client.ts';
import { startCluster } from '../src/db/embedded/embedded.ts';
import { migrateToLatest } from '../src/db/migrations.ts';
import { silentLogger } from '../src/lib/log.ts';
import { randomStream } from '../src/lib/random.ts';
import { ending } from './support/ending.ts';
import { round } from './support/statistics.ts';

interface Shape {
  events: number;
  listeners: number;
  tracks: number;
}

const FIRST_EVENT = Date.UTC(2024, 0, 1);
const PERIOD_MS = 600 * 24 * 60 * 60 * 1000;
const CHUNK = 10_000;

/**
 * Imports a file of feedback into an empty database, and again; and copies the same rows into the same tables and indexes of
 * another database with nothing but COPY, from a file that PostgreSQL itself reads. `--events`, `--listeners` and
 * `--tracks` size it: for 10 million events it needs 6 GB of disk.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const options = { events: { type: 'string' }, listeners: { type: 'string' }, tracks: { type: 'string' } } as const;
  const { values } = parseArgs({ args, options });
  const { events = '1000000', listeners = '20000', tracks = '10000' } = values;
  const shape = { events: Number(events), listeners: Number(listeners), tracks: Number(tracks) };
  return ending(async (stack) => {
    const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    // PostgreSQL may run as a user of its own, which has to read the file.
    await chmod(folder, 0o755);
    const files = { csv: join(folder, 'events.csv'), rows: join(folder, 'rows.txt') };
    await writeEvents(shape, files);
    const cluster = await startCluster({ directory: join(folder, 'postgres'), log: silentLogger });
    stack.defer(() => cluster.stop());
    const admin = stack.use(connect(cluster.url('postgres')));
    for (const name of ['copied', 'imported']) {
      await admin.sql.unsafe(`create database ${name}`);
      await migrateToLatest(cluster.url(name));
    }
    const copySeconds = await bareCopy(stack.use(connect(cluster.url('copied'))), shape, files.rows);
    console.log(`bare COPY: ${copySeconds.toFixed(1)} s`);
    await admin.sql`checkpoint`;
    await makeTracks(stack.use(connect(cluster.url('imported'))), shape);
    const first = await importFile(cluster.url('imported'), files.csv);
    console.log(`import: ${first.seconds.toFixed(1)} s`);
    const again = await importFile(cluster.url('imported'), files.csv);
    return {
      rows_per_s: Math.round(shape.events / first.seconds),
      vs_copy: round(copySeconds / first.seconds),
      last_million_vs_first: round(lastVsFirst(first.marks, shape.events)),
      peak_rss_mb: Math.round(first.peakRssMb),
      cpu_us_per_row: round((first.cpuSeconds / shape.events) * 1e6, 1),
      again_cpu_us_per_row: round((again.cpuSeconds / shape.events) * 1e6, 1),
      again_rows_per_s: Math.round(shape.events / again.seconds),
    };
  });
}

/** The same events twice: as a file to import, and as rows of the table. */
async function writeEvents({ events, listeners, tracks }: Shape, files: { csv: string; rows: string }): Promise<void> {
  const random = randomStream(1);
  const [csv, rows] = [createWriteStream(files.csv), createWriteStream(files.rows)];
  await write(csv, 'listener,track,kind,at\n');
  for (let done = 0; done < events; done += CHUNK) {
    let [lines, copied] = ['', ''];
    for (let n = done; n < Math.min(events, done + CHUNK); n++) {
      const listener = 1 + Math.floor(listeners * random() ** 1.5);
      const track = 1 + Math.floor(tracks * random() ** 3);
      const kind = random() < 0.8 ? 'PLAY' : random() < 0.5 ? 'COMPLETE' : 'SKIP';
      const at = FIRST_EVENT + Math.floor((n / events) * PERIOD_MS);
      const time = new Date(at).toISOString();
      lines += `listener-${listener},track-${track},${kind},${time}\n`;
      copied += `${listener}\t${track}\t${kind}\t1\t${time}\timport:${kind}:${track}:${at}:${n}\n`;
    }
    await write(csv, lines);
    await write(rows, copied);
  }
  for (const file of [csv, rows]) {
    file.end();
    await once(file, 'finish');
  }
}

async function write(file: WriteStream, text: string): Promise<void> {
  if (!file.write(text)) await once(file, 'drain');
}

async function makeTracks({ sql }: Database, { tracks }: Shape): Promise<void> {
  await sql`insert into artists (name, name_key) values ('Artist', 'artist')`;
  await sql`insert into tracks (external_id, title, artist_id)
    select 'track-' || n, 'Title ' || n, (select id from artists) from generate_series(1, ${tracks}::int) n`;
}

async function bareCopy(database: Database, shape: Shape, path: string): Promise<number> {
  const { sql } = database;
  await makeTracks(database, shape);
  await sql`insert into listeners (external_id, display_name)
    select 'listener-' || n, 'listener-' || n from generate_series(1, ${shape.listeners}::int) n`;
  const started = performance.now();
  await sql.unsafe(`copy feedback (listener_id, track_id, kind, plays, at, dedupe_key) from '${path}'`);
  return (performance.now() - started) / 1000;
}

interface ImportFigures {
  seconds: number;
  /** Of the processor, here and in PostgreSQL. */
  cpuSeconds: number;
  peakRssMb: number;
  marks: { step: string; rows: number; at: number }[];
}

/** How long the last million rows took to read and to merge, in times of the first; of less than four million, quarters. */
function lastVsFirst(marks: ImportFigures['marks'], events: number): number {
  const share = Math.min(1_000_000, Math.floor(events / 4));
  const between = (step: string, from: number, to: number): number => {
    const known = marks.filter((mark) => mark.step === step);
    return timeOf(known, to) - timeOf(known, from);
  };
  const both = (from: number, to: number): number => between('reading', from, to) + between('merging', from, to);
  return both(events - share, events) / both(0, share);
}

/** When so many rows were done, by the line between the marks before and after. */
function timeOf(marks: ImportFigures['marks'], rows: number): number {
  const after = marks.find((mark) => mark.rows >= rows) ?? marks.at(-1);
  const before = marks.filter((mark) => mark.rows < rows).at(-1) ?? { rows: 0, at: rows === 0 ? (after?.at ?? 0) : 0 };
  if (!after || after.rows === before.rows) return after?.at ?? NaN;
  return before.at + ((after.at - before.at) * (rows - before.rows)) / (after.rows - before.rows);
}

async function importFile(url: string, path: string): Promise<ImportFigures> {
  const script = fileURLToPath(new URL('import-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, url, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  const figures = JSON.parse(output) as ImportFigures;
  for (const { step, at } of figures.marks.filter(({ rows }) => rows === 0))
    console.log(`  ${at.toFixed(1)} s: ${step}`);
  return figures;
}
