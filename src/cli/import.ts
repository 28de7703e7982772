import { SingleBar } from 'cli-progress';
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { loadConfig, type Config } from '../config.ts';
import { openDatabaseBeside } from '../db/import-database.ts';
import { openWakeups } from '../db/wakeups.ts';
import {
  checkExists,
  importFormats,
  runImport,
  type BadRow,
  type ImportFormat,
  type ImportProgress,
  type ImportReport,
} from '../ingest/ingest.ts';
import { databaseUrlProblem } from '../lib/database-url.ts';
import { CadenzaError, InvalidInputError } from '../lib/errors.ts';
import { createLogger } from '../lib/log.ts';
import { nearest } from '../lib/nearest.ts';
import { interruption } from './interruption.ts';

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

/** A wrong command line: status 2, with the usage. What is wrong with the file is another InvalidInputError. */
class UsageError extends InvalidInputError {}

/** @returns the process's exit code: 0, 1 when nothing was imported, 2 for a wrong command line */
async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
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
  using display = process.stdout.isTTY ? barDisplay() : lineDisplay();
  const badRows = new BadRows(display);
  try {
    const report = await runImport(database, {
      ...job,
      signal,
      wakeups,
      onProgress: display.progress,
      onStep: display.step,
      onBadRow: (row) => badRows.tell(row),
    });
    display.finish();
    summarise(report);
    return 0;
  } finally {
    display.finish();
    badRows.tellRest();
  }
}

function readArguments(args: readonly string[]) {
  try {
    const options = {
      'skip-bad': { type: 'boolean' },
      'database-url': { type: 'string' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
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
    if (rest > 0) this.#display.complain(`… and ${rest.toLocaleString('en')} more bad rows`);
  }
}

/** Values of a file are shown as they are, but must not steer the terminal. */
function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

function summarise({ rows, bad, tracks, feedback, newListeners, notes, seconds }: ImportReport): void {
  const count = (n: number) => n.toLocaleString('en');
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

interface Display extends Disposable {
  progress: (progress: ImportProgress) => void;
  step: (text: string) => void;
  /** To standard error, above the bar. */
  complain(text: string): void;
  finish(): void;
}

/** Drawn by hand at most ten times a second; what is said meanwhile goes above it. */
function barDisplay(): Display {
  const bar = new SingleBar({
    format: '{bar} {percentage} % · {done} of {whole} · {rows} rows · {eta_formatted} left',
    hideCursor: true,
    gracefulExit: false,
  });
  const finish = () => bar.stop();
  return {
    progress({ bytes, totalBytes, rows }) {
      const payload = { done: megabytes(bytes), whole: megabytes(totalBytes), rows: rows.toLocaleString('en') };
      if (bar.isActive) bar.update(bytes, payload);
      else bar.start(totalBytes, bytes, payload);
    },
    step(text) {
      finish();
      print(`${text} …`);
    },
    complain(text) {
      finish();
      process.stderr.write(`${text}\n`);
    },
    finish,
    [Symbol.dispose]: finish,
  };
}

/** For logs: a line for each 10 %. */
function lineDisplay(): Display {
  let next = 10;
  return {
    progress({ bytes, totalBytes, rows }) {
      const percent = Math.floor((bytes / totalBytes) * 100);
      if (percent < next) return;
      next = Math.floor(percent / 10) * 10 + 10;
      print(`${percent} % (${megabytes(bytes)} of ${megabytes(totalBytes)}), ${rows.toLocaleString('en')} rows`);
    },
    step: (text) => void print(`${text} …`),
    complain: (text) => void process.stderr.write(`${text}\n`),
    finish: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function print(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

const interrupted = interruption();
try {
  process.exitCode = await main(process.argv.slice(2), interrupted);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (interrupted.aborted) {
    process.stderr.write('interrupted: nothing was imported\n');
    return 130;
  }
  if (!(error instanceof CadenzaError)) throw error;
  const text = error instanceof InvalidInputError ? visible(error.message) : error.message;
  process.stderr.write(`${text}${error instanceof UsageError ? `\n\n${USAGE}` : ''}\n`);
  return error instanceof UsageError ? 2 : 1;
}
