import { resolve } from 'node:path';
import { loadConfig, type Config } from '../config.ts';
import type { Database } from '../db/client.ts';
import { openDatabaseBeside } from '../db/import-database.ts';
import { openWakeups } from '../db/wakeups.ts';
import {
  checkExists,
  importFormats,
  runImport,
  type BadRow,
  type ImportFormat,
  type ImportOptions,
  type ImportReport,
} from '../ingest/ingest.ts';
import { databaseUrlProblem } from '../lib/database-url.ts';
import { createLogger } from '../lib/log.ts';
import { nearest } from '../lib/nearest.ts';
import { parseCommandLine, runCommand, UsageError, visible } from './command.ts';
import { megabytes, openDisplay, print, type Display } from './display.ts';

const USAGE = `Usage: npm run import -- FORMAT PATH [--skip-bad] [--database-url URL] [--data-dir FOLDER]

  tracks PATH      the catalogue, CSV with a header or JSONL
  feedback PATH    listening and reactions, CSV with a header or JSONL
  lastfm-2k PATH   the folder of the HetRec 2011 Last.fm data
  sequences PATH   one line a listener: an id, then items in order, separated by spaces or tabs

  Files may be gzipped. Importing the same again changes nothing.

  --skip-bad       import the good rows; without it one bad row means that nothing is imported
  --database-url   the database to import into, in place of DATABASE_URL
  --data-dir       the data folder of the embedded database, in place of CADENZA_DATA_DIR

docs/import.md lists the columns.`;

/** More than these are counted, not printed. */
const SHOWN_BAD_ROWS = 50;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = readArguments(args);
  if (values.help) return print(USAGE);
  const [format, path, extra] = positionals;
  if (format === undefined || path === undefined) throw new UsageError('FORMAT and PATH are needed');
  if (extra !== undefined) throw new UsageError(`${extra} is one argument too many`);
  const job = { format: formatOf(format), path, skipBad: values['skip-bad'] ?? false };
  const config = configOf(values);
  await checkExists(path);
  return importInto(config, job, signal);
}

async function importInto(
  config: Config,
  job: { format: ImportFormat; path: string; skipBad: boolean },
  signal: AbortSignal,
): Promise<number> {
  const log = createLogger(config).child({}, { level: 'warn' });
  await using database = await openDatabaseBeside(config, log, { signal });
  await using wakeups = await openWakeups(database, log);
  const report = await importWithDisplay(database, { ...job, signal, wakeups });
  summarise(report);
  return 0;
}

async function importWithDisplay(database: Database, options: ImportOptions): Promise<ImportReport> {
  using display = openDisplay();
  const badRows = new BadRows(display);
  try {
    return await runImport(database, {
      ...options,
      onProgress: ({ bytes, totalBytes, rows }) => {
        const what = `${megabytes(bytes)} of ${megabytes(totalBytes)}, ${count(rows)} rows`;
        display.progress({ done: bytes, whole: totalBytes, what });
      },
      onStep: (text) => display.step(`${text} …`),
      onBadRow: (row) => badRows.tell(row),
    });
  } finally {
    badRows.tellRest();
  }
}

function readArguments(args: string[]) {
  const options = {
    'skip-bad': { type: 'boolean' },
    'database-url': { type: 'string' },
    'data-dir': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseCommandLine({ args, options, allowPositionals: true });
}

function formatOf(text: string): ImportFormat {
  const format = importFormats.find((known) => known === text);
  if (format) return format;
  const meant = nearest(text, importFormats);
  throw new UsageError(`there is no format ${text}${meant ? `; did you mean ${meant}?` : ''}`);
}

/** Options go before the environment. */
function configOf(values: { 'database-url'?: string; 'data-dir'?: string }): Config {
  const config = loadConfig();
  const { 'database-url': url, 'data-dir': folder } = values;
  const problem = url === undefined ? null : databaseUrlProblem(url);
  if (problem) throw new UsageError(`--database-url ${problem}`);
  const databaseUrl = url ?? (folder === undefined ? config.databaseUrl : null);
  return { ...config, databaseUrl, dataDir: folder === undefined ? config.dataDir : resolve(folder) };
}

class BadRows {
  readonly #display: Display;
  #count = 0;

  constructor(display: Display) {
    this.#display = display;
  }

  tell({ file, line, reason }: BadRow): void {
    this.#count++;
    if (this.#count <= SHOWN_BAD_ROWS) this.#display.complain(`${file}:${line}: ${visible(reason)}`);
  }

  tellRest(): void {
    const rest = this.#count - SHOWN_BAD_ROWS;
    if (rest > 0) this.#display.complain(`… and ${count(rest)} more bad rows`);
  }
}

const count = (n: number): string => n.toLocaleString('en');

function summarise({ rows, bad, tracks, feedback, newListeners, notes, seconds }: ImportReport): void {
  const rate = seconds > 0 ? `, ${count(Math.round(rows / seconds))} rows/s` : '';
  print(
    `${count(rows)} rows read in ${seconds.toFixed(1)} s${rate}${bad > 0 ? `; ${count(bad)} bad ones skipped` : ''}`,
  );
  for (const [name, counts] of [
    ['tracks', tracks],
    ['listening', feedback],
  ] as const) {
    const { created, updated, unchanged } = counts;
    if (created + updated + unchanged === 0) continue;
    print(`${name}: ${count(created)} created, ${count(updated)} updated, ${count(unchanged)} unchanged`);
  }
  if (newListeners > 0) print(`listeners: ${count(newListeners)} created`);
  for (const note of notes) print(`note: ${note}`);
}

await runCommand({ usage: USAGE, interrupted: 'interrupted: nothing was imported', run });
