import { resolve } from 'node:path';
import { type Config, loadConfig } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { openDatabaseBeside } from '../../db/imports/import-database.ts';
import { openWakeups } from '../../db/wakeups.ts';
import {
  type BadRow,
  checkExists,
  consentColumns,
  feedbackColumns,
  type ImportFormat,
  importFormats,
  type ImportOptions,
  type ImportReport,
  personalFormats,
  runImport,
  trackColumns,
} from '../../ingest/ingest.ts';
import { databaseUrlProblem } from '../../lib/database-url.ts';
import { createLogger } from '../../lib/log.ts';
import { nearest } from '../../lib/text/nearest.ts';
import { parseCommandLine, runCommand, UsageError, visible } from '../command.ts';
import { type Display, megabytes, openDisplay, print } from '../display.ts';
import { formatHelp, USAGE } from '../importing/import-help.ts';
import { count, summarise } from '../importing/import-report.ts';

/** Maximum number of bad rows that are printed; the others are only counted. */
const SHOWN_BAD_ROWS = 50;
/** Number of rows of feedback from which on the merge tells how far it is. */
const MERGE_TO_WATCH = 1_000_000;

type Job = Pick<ImportOptions, 'format' | 'paths' | 'listener' | 'renames' | 'skipBad'>;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = readArguments(args);
  const [name, ...paths] = positionals;
  if (values.help) return print(name === undefined ? USAGE : formatHelp[formatOf(name)]);
  if (name === undefined || paths.length === 0) throw new UsageError('FORMAT and PATH are needed');
  const job = jobOf(formatOf(name), paths, values);
  const config = configOf(values);
  for (const path of paths) await checkExists(path);
  return importInto(config, job, signal);
}

/** @throws UsageError if the options do not apply to the format */
function jobOf(format: ImportFormat, paths: string[], values: ReturnType<typeof readArguments>['values']): Job {
  const { listener, map = [], 'skip-bad': skipBad = false } = values;
  const isPersonal = personalFormats.some((personal) => personal === format);
  if (isPersonal && (listener ?? '').trim() === '')
    throw new UsageError(`${format} needs --listener ID: the listener whose history it is`);
  if (!isPersonal && listener !== undefined) throw new UsageError(`--listener does not apply to ${format}`);
  if (!isPersonal && paths.length > 1) throw new UsageError(`${paths[1] ?? ''} is an unexpected argument`);
  return { format, paths, skipBad, renames: renamesOf(format, map), ...(listener !== undefined && { listener }) };
}

/** The columns named by --map. */
function renamesOf(format: ImportFormat, maps: readonly string[]): Map<string, string | null> {
  const columns = { tracks: trackColumns(new Map()), feedback: feedbackColumns, consents: consentColumns }[
    format as string
  ];
  const known = columns ? [...columns.required, ...columns.optional] : [];
  if (maps.length > 0 && !columns) throw new UsageError(`--map does not apply to ${format}`);
  const renames = new Map<string, string | null>();
  for (const map of maps) {
    const at = map.lastIndexOf('=');
    const [theirs, ours] = [map.slice(0, Math.max(0, at)).trim(), map.slice(at + 1).trim()];
    if (theirs === '') throw new UsageError(`--map ${map} does not have the form theirs=ours`);
    // Which keys are declared is known once the database is.
    const isMetadata = format === 'tracks' && ours.startsWith('metadata.');
    if (ours !== '' && !isMetadata && !known.includes(ours)) {
      const meant = nearest(ours, known);
      throw new UsageError(
        `--map ${map}: ${format} has no column ${ours}; ${meant ? `did you mean ${meant}?` : `it has ${known.join(', ')}`}`,
      );
    }
    if (renames.has(theirs)) throw new UsageError(`--map names ${theirs} twice`);
    renames.set(theirs, ours === '' ? null : ours);
  }
  return renames;
}

async function importInto(config: Config, job: Job, signal: AbortSignal): Promise<number> {
  const log = createLogger(config).child({}, { level: 'warn' });
  await using database = await openDatabaseBeside(config, log, { signal });
  await using wakeups = await openWakeups(database, log);
  const report = await importWithDisplay(database, { ...job, signal, wakeups });
  summarise(report, config);
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
      onMerged: (merged, rows) => {
        // A small import is merged before anybody has read that it is being merged.
        if (rows >= MERGE_TO_WATCH) display.step(`merged ${count(merged)} of ${count(rows)} rows`);
      },
      onBadRow: (row) => badRows.tell(row),
    });
  } finally {
    badRows.tellRest();
  }
}

function readArguments(args: string[]) {
  const options = {
    listener: { type: 'string' },
    map: { type: 'string', multiple: true },
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

/** Options take precedence over the environment. */
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

await runCommand({ usage: USAGE, interrupted: 'interrupted: nothing was imported', run });
