import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCorpus, trainingSet } from '../../tunes/tunes.ts';
import { trainDecoder, type TrainingReport, type TrainingSettings } from '../train/decoder-trainer.ts';
import { lossCurve } from '../train/loss-curve.ts';
import { planBatches } from '../train/packing.ts';
import type { CurvePoint } from '../train/training-progress.ts';
import { writeJson, writeModel } from '../train/write-model.ts';

const FIXED = { contextTokens: 1024, ropeBase: 10_000, normEpsilon: 1e-5 };
const SETTINGS = {
  optimiser: { beta1: 0.9, beta2: 0.98, clipNorm: 1, decay: 0.1 },
  ...{ dropout: 0.05, positions: 1024, patience: 4 },
};
const RATE = { highest: 4e-3, last: 0.02, warmup: 150, fall: 0.25 };
/** Share of the tunes that is learned in another key. */
const TRANSPOSED = 0.4;
const HEADS = 4;

export interface TuneTrainingOptions {
  /** Collections of tunes in ABC. */
  texts: readonly string[];
  /** Where checkpoints and the model are written. */
  folder: string;
  /** Length of the vectors that go through the model; a multiple of 32. */
  width: number;
  layers: number;
  /** Passes over the training part. */
  epochs: number;
  seed: number;
  threads: number;
  signal?: AbortSignal;
  report?: (report: TrainingReport) => void;
  step?: (text: string) => void;
}

export interface TunesTrained {
  curve: readonly CurvePoint[];
  parameters: number;
}

/**
 * Trains a model of tunes: reads the corpus, trains a decoder on the training part, chooses it by the validation part,
 * and writes into the folder `model.safetensors`, `config.json`, `vocabulary.json` and `loss.svg`.
 * @throws InvalidInputError; OrtError; the signal's reason
 */
export async function trainTunes(options: TuneTrainingOptions): Promise<TunesTrained> {
  const { texts, folder, seed, step = () => undefined } = options;
  const corpus = readCorpus(texts);
  step(`${corpus.read} tunes read; left out: ${describe(corpus.rejected)}`);
  const { train, validation, test } = corpus.parts;
  step(
    `${train.length} for training, ${validation.length} for validation, ${test.length} for testing, in ${corpus.groups} groups`,
  );
  const data = trainingSet(corpus, { transposed: TRANSPOSED, seed });
  const settings = settingsFor(data.epoch(0), data.tokenizer.vocab, options);
  const { parameters, curve } = await trainDecoder(data, settings, {
    ...options,
    folder: join(folder, 'training'),
  });
  await writeModel(folder, settings.shape, parameters);
  await writeJson(join(folder, 'vocabulary.json'), { symbols: data.symbols });
  await writeFile(join(folder, 'loss.svg'), lossCurve(curve));
  return {
    curve,
    parameters: [...parameters.values()].reduce((sum, tensor) => sum + tensor.data.length, 0),
  };
}

function settingsFor(
  epoch: readonly number[][],
  vocabulary: number,
  { width, layers, epochs, seed }: TuneTrainingOptions,
): TrainingSettings {
  const feedForward = 32 * Math.round((width * 8) / 3 / 32);
  const shape = { ...FIXED, vocabulary, hidden: width, layers, heads: HEADS, feedForward };
  const options = { positions: SETTINGS.positions, longest: shape.contextTokens, seed };
  const batches = planBatches(
    epoch.map(({ length }) => length),
    options,
  );
  return { ...SETTINGS, shape, schedule: { ...RATE, steps: epochs * batches.length }, seed };
}

const describe = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([reason, count]) => `${reason} ${count}`).join(', ');
