import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { loadConfig } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { openDatabaseBeside } from '../../db/imports/import-database.ts';
import { insertEvaluations } from '../../db/recommend/evaluation-queries.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/log.ts';
import { loadModelCatalogue } from '../../ml/engine.ts';
import { evaluateTunes } from '../../ml/train.ts';
import { parseCommandLine, UsageError } from '../command.ts';
import { openDisplay, print } from '../display.ts';
import { numberOption, readTexts } from './tune-options.ts';

const USAGE = `npm run evaluate -- tunes --corpus FILE … [--all] [--model FOLDER] [--samples N] [--seed N] [--threads N]
                            [--write FILE] [--store] [--json]

  Measures a model of tunes as it is served. It scores the tunes that the training leaves out for testing, in bits per
  character, and lets the model write tunes in their keys, modes and metres: the share of exact bars, of tunes that
  abcmidi plays without an error (apt-get install abcmidi), that end on their tonic and that are in the key and metre
  asked for; distinct bars to all bars; the number that copy a run of 32 notes from the training part, and the longest
  copy; how far notes and intervals are distributed otherwise than in the tunes scored. The last line is JSON.

  --all      scores all tunes given: for a collection that the model has not seen
  --model    a folder that npm run train -- tunes wrote (default: the built-in model)
  --samples  number of tunes to write (default: 200)
  --write    keeps the tunes that were written in a file
  --store    adds the measurements to the configured database, where the query evaluations finds them
  --json     prints the last line alone`;

/** `npm run evaluate -- tunes`. @throws UsageError; InvalidInputError */
export async function runTuneEvaluation(args: string[]): Promise<number> {
  const options = {
    corpus: { type: 'string', multiple: true },
    all: { type: 'boolean', default: false },
    model: { type: 'string' },
    samples: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    write: { type: 'string' },
    store: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const files = [...(values.corpus ?? []), ...positionals];
  if (files.length === 0) throw new UsageError('--corpus is missing');
  const numbers = {
    samples: numberOption('samples', values.samples, 1, 100_000),
    seed: numberOption('seed', values.seed, 0, 2 ** 32 - 1),
    threads: numberOption('threads', values.threads, 1, 1024),
  };
  const texts = await readTexts(files);
  using display = values.json ? null : openDisplay();
  const { tunesWritten, ...found } = await evaluateTunes({
    ...{ texts, model: values.model ?? builtInModel(), all: values.all, ...numbers, plays: playsInAbcmidi },
    step: (text) => display?.step(text),
    report: (done) => display?.progress({ done, whole: numbers.samples, what: 'tunes' }),
  });
  if (values.write !== undefined) await writeFile(values.write, tunesWritten.join('\n'));
  if (values.store) await store(found, files);
  if (!values.json) for (const [name, value] of Object.entries(found)) print(`${name.padEnd(24)}${value}`);
  return print(JSON.stringify(keysOf(found)));
}

type Found = Omit<Awaited<ReturnType<typeof evaluateTunes>>, 'tunesWritten'>;

/** Works beside a running server. */
async function store(found: Found, files: readonly string[]): Promise<void> {
  const config = loadConfig();
  const log = createLogger({ ...config, logLevel: 'warn' });
  await using database = await openDatabaseBeside(config, log);
  await storeMeasurements(database, found, files);
}

/** Adds what was measured on these files, by the last line's names. */
export async function storeMeasurements(database: Database, found: Found, files: readonly string[]): Promise<void> {
  const { model: modelVersion, ...measured } = keysOf(found);
  const of = { modelVersion, dataset: files.map((file) => basename(file)).join(' '), protocol: 'tunes' };
  await insertEvaluations(
    database,
    Object.entries(measured).map(([metric, value]) => ({ ...of, metric, value })),
  );
}

/** The last line's names. */
function keysOf(found: Found) {
  return {
    bpc: found.bitsPerCharacter,
    bars_exact: found.barsExact,
    plays: found.plays,
    ends_on_tonic: found.endsOnTonic,
    distinct_bars: found.distinctBars,
    header_obeyed: found.headerObeyed,
    copied_over_32: found.copiedOver32,
    longest_copy: found.longestCopy,
    degree_divergence: found.degreeDivergence,
    interval_divergence: found.intervalDivergence,
    tokens_per_second: found.tokensPerSecond,
    samples: found.tunes,
    scored: found.scored,
    model: found.version,
  };
}

function builtInModel(): string {
  const entry = loadModelCatalogue().find(({ task }) => task === 'TUNE_GENERATION');
  const source = entry?.sources.find((each) => 'file' in each);
  if (!source || !('file' in source)) throw new UsageError('there is no built-in model of tunes: --model FOLDER');
  return source.file;
}

/** @throws InvalidInputError if abcmidi is not installed */
async function playsInAbcmidi(abc: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-abc-'));
  try {
    await writeFile(join(folder, 'tune.abc'), abc);
    const child = spawn('abc2midi', ['tune.abc', '-o', 'tune.mid'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(child, 'close').catch(() => {
      throw new InvalidInputError('abc2midi cannot be run: apt-get install abcmidi');
    });
    return !output.includes('Error') && (await readFile(join(folder, 'tune.mid'))).length > 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
