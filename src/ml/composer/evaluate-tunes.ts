import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidInputError } from '../../lib/errors.ts';
import { createAbcTokenizer, obeysHeader, readCorpus, summariseTunes, type TuneSummary } from '../../tunes/tunes.ts';
import { readJsonFile } from '../compile/compile.ts';
import { openFetched } from '../models/compile-fetched.ts';
import { createEngine } from '../models/local-engine.ts';
import type { ModelEntry } from '../store/model-catalogue.ts';
import { modelsFolder, openModelStore } from '../store/model-store.ts';
import { bitsPerCharacter } from './bits-per-character.ts';
import { describeTuneModel } from './model-folder.ts';
import { sampleTunes } from './sample-tunes.ts';

export interface TuneEvaluationOptions {
  /** Collections of tunes in ABC, as for training. */
  texts: readonly string[];
  /** The model's folder, as `trainTunes` writes it. */
  model: string;
  /** Whether all tunes are scored, and not only those for testing: for collections that the model has not seen. */
  all: boolean;
  /** Number of tunes to write. */
  samples: number;
  seed: number;
  threads: number;
  /** Whether a player accepts a tune. */
  plays: (abc: string) => Promise<boolean>;
  step?: (text: string) => void;
  report?: (done: number) => void;
}

export interface TuneEvaluation extends TuneSummary {
  /** Tells the model from others. */
  version: string;
  /** Number of tunes that were scored. */
  scored: number;
  bitsPerCharacter: number;
  plays: number;
  headerObeyed: number;
  tokensPerSecond: number;
  tunesWritten: readonly string[];
}

const NOTHING_ASKED = { key: null, mode: null, metre: null };
const vocabularySchema = z.object({ symbols: z.array(z.string()) });

/**
 * Measures a model of tunes as it is served: how well it predicts the tunes for testing, and what tunes it writes when
 * it is asked for their keys, modes and metres.
 * @throws InvalidInputError if there is nothing to score
 */
export async function evaluateTunes(options: TuneEvaluationOptions): Promise<TuneEvaluation> {
  const { texts, all, step = () => undefined } = options;
  const { parts } = readCorpus(texts);
  const scored = all ? Object.values(parts).flat() : parts.test;
  if (scored.length === 0) throw new InvalidInputError('there are no tunes to score; --all scores those of every part');
  const entry = await describeTuneModel(options.model);
  const dataDir = await mkdtemp(join(tmpdir(), 'cadenza-tunes-'));
  try {
    const bits = await score(
      dataDir,
      entry,
      scored.map(({ abc }) => abc),
      options.threads,
    );
    step(`${bits.toFixed(4)} bits per character on ${scored.length} tunes`);
    const asked = Array.from({ length: options.samples }, (_, i) => {
      const { tune } = scored[i % scored.length] ?? {};
      return { key: tune?.key.tonic ?? null, mode: tune?.key.mode ?? null, metre: tune?.metre ?? null };
    });
    const { tunes, tokensPerSecond } = await write(dataDir, entry, asked, options);
    const obeyed = tunes.filter((abc, i) => obeysHeader(abc, asked[i] ?? NOTHING_ASKED));
    const played = await Promise.all(tunes.map(options.plays));
    const known = all ? [] : parts.train.map(({ intervals }) => intervals);
    return {
      ...summariseTunes(
        tunes,
        known,
        scored.map(({ abc }) => abc),
      ),
      ...{
        version: entry.version,
        scored: scored.length,
        bitsPerCharacter: bits,
        tokensPerSecond,
        tunesWritten: tunes,
      },
      plays: played.filter(Boolean).length / tunes.length,
      headerObeyed: obeyed.length / tunes.length,
    };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function score(dataDir: string, entry: ModelEntry, texts: readonly string[], threads: number): Promise<number> {
  const store = openModelStore(modelsFolder(dataDir));
  const { signal } = new AbortController();
  const folder = await store.fetch(entry, { signal });
  const { model } = await openFetched(store, entry, { signal });
  const { symbols } = await readJsonFile(join(folder, 'vocabulary.json'), vocabularySchema);
  const tokenizer = createAbcTokenizer(symbols);
  const sequences = texts.map((abc) => {
    return { tokens: [tokenizer.start, ...tokenizer.encode(abc), tokenizer.end], characters: abc.length };
  });
  return bitsPerCharacter(model, sequences, { threads });
}

/** In the engine, as drafts are written; the files are on disk already. */
async function write(
  dataDir: string,
  entry: ModelEntry,
  asked: Parameters<typeof sampleTunes>[2]['asked'],
  { seed, threads, report }: TuneEvaluationOptions,
) {
  const catalogueFile = join(dataDir, 'models.json');
  await writeFile(catalogueFile, JSON.stringify({ models: [entry] }));
  const log = { info: () => undefined, warn: () => undefined };
  await using engine = createEngine({ dataDir, catalogueFile, threads, fetch: 'off', log });
  await engine.whenReady(entry.id);
  return await sampleTunes(engine, entry.id, { asked, seed, ...(report && { report }) });
}
