import { once } from 'node:events';
import { startWorker } from '../lib/worker.ts';
import type { EaseOptions, EaseRows } from './ease.ts';
import { evaluate, type HoldoutCase, type Metrics } from './evaluation.ts';
import { toInteractions, type History } from './interactions.ts';
import type { ItemWeights } from './weights.ts';
import { noWeights } from './weights.ts';

/**
 * λ = 50 is Steck's order of magnitude for data of this size. Four million weights are 32 MB: whole rows up to 2,000
 * tracks, the 200 furthest from 0 at 20,000. What it costs on the Last.fm sequences (leave-one-out, 3,646 items): HR@10
 * is .0899 with whole rows, .0890 with the 1,097 a row that this allows, .0872 with 400, .0853 with 200.
 */
export const defaultOptions: EaseOptions = { ridge: 50, entries: 4_000_000 };

/**
 * Trains in a worker, so that requests go on. @returns weights by track id; none for no histories
 * @throws the signal's reason when it aborts; the worker then ends at once
 */
export async function trainWeights(
  histories: readonly History[],
  options = defaultOptions,
  signal?: AbortSignal,
): Promise<ItemWeights> {
  const { ids, interactions } = toInteractions(histories);
  if (ids.length === 0) return noWeights;
  const worker = startWorker(import.meta.url, './training-worker', {
    workerData: { interactions, options },
    // The factor, its inverse and the product of both, in doubles, live outside of the heap; rows are built within it.
    resourceLimits: { maxOldGenerationSizeMb: 4_096 },
  });
  try {
    const [rows] = (await once(worker, 'message', { signal })) as [EaseRows];
    return { ids: Float64Array.from(ids), ...rows };
  } finally {
    await worker.terminate();
  }
}

/**
 * How well weights that are trained on some histories predict what follows others ([REC9]): each target is looked for
 * among all trained tracks that its listener has not heard.
 */
export async function evaluateWeights(
  holdout: { train: readonly History[]; cases: readonly HoldoutCase[] },
  options = defaultOptions,
  signal?: AbortSignal,
): Promise<Metrics> {
  return evaluate(await trainWeights(holdout.train, options, signal), holdout.cases);
}
