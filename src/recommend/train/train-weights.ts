import { type TrainerOptions } from '../contract.ts';
import { drawn } from '../math/draw.ts';
import { type ItemWeights, noWeights } from '../model/weights.ts';
import { countsOf, type History, toInteractions } from './interactions.ts';
import { meanOf, type Metrics } from './quality/accuracy.ts';
import type { NumberedCase } from './quality/holdout.ts';
import type { OfflineQuality } from './quality/offline-quality.ts';
import { defaultSettings, type ModelSettings, type SearchOptions, type SearchResult } from './settings-search.ts';
import { Trainer } from './trainer-thread.ts';

/** What is known about a listener, oldest first, and what they heard next. */
export interface HoldoutCase {
  history: History;
  targets: readonly number[];
  /** Milliseconds since the epoch, if known. */
  at?: number;
}

export interface Evaluation {
  metrics: Metrics;
  quality: OfflineQuality;
  chosen: SearchResult;
}

export interface EvaluationOptions extends TrainerOptions {
  /** Called when the accuracy is known, before the lists are measured. */
  onMeasured?: () => void;
}

/** Maximum number of measured lists: enough for two digits within seconds. */
const MOST_LISTS = 200;

/**
 * Chooses settings on tracks held out of `known`, trains with them on `train` and measures on `cases` ([REC9]). Targets
 * are ranked among all trained tracks that their listener has not heard.
 * @param known the data for choosing settings, without any of the targets
 */
export async function evaluateModel(
  { known, train, cases }: { known: readonly History[]; train: readonly History[]; cases: readonly HoldoutCase[] },
  search: Omit<SearchOptions, 'seed'>,
  { onMeasured, ...options }: EvaluationOptions = {},
): Promise<Evaluation> {
  await using trainer = new Trainer(options);
  const chosen = await trainer.search(toInteractions(known).interactions, { ...search, seed: SEED });
  const { ids, interactions } = toInteractions(train);
  const rows = await trainer.train(interactions, chosen.settings);
  const { settings, repeats } = chosen;
  const counts = countsOf(interactions);
  const scoring = { recency: settings.recency, repeats, counts };
  const numbered = numberCases(ids, cases);
  const measured = await trainer.measure(rows, scoring, numbered);
  onMeasured?.();
  const quality = await trainer.lists(rows, scoring, counts, drawn(numbered, MOST_LISTS, SEED));
  return { metrics: meanOf(measured), quality, chosen };
}

/** The seed of all draws in a search, so that it is repeatable. */
export const SEED = 1;

/** @returns weights by track id; none if there are no histories @throws the signal's reason if it aborts */
export async function trainWeights(
  histories: readonly History[],
  settings: ModelSettings = defaultSettings,
  options: TrainerOptions = {},
): Promise<ItemWeights> {
  await using trainer = new Trainer(options);
  // Awaited here, because returning disposes the trainer.
  return await trainWith(trainer, histories, settings);
}

export async function trainWith(
  trainer: Trainer,
  histories: readonly History[],
  settings: ModelSettings,
): Promise<ItemWeights> {
  const { ids, interactions } = toInteractions(histories);
  if (ids.length === 0) return noWeights;
  const rows = await trainer.train(interactions, settings);
  return { ids: Float64Array.from(ids), ...rows, recency: settings.recency, content: null };
}

/** Tracks that were not trained on get the number after the last one: heard, but without a row and never found. */
export function numberCases(ids: ArrayLike<number>, cases: readonly HoldoutCase[]): NumberedCase[] {
  const numbers = new Map(Array.from(ids, (id, number) => [id, number]));
  const numberOf = (id: number) => numbers.get(id) ?? ids.length;
  return cases.map(({ history, targets }) => ({
    items: Uint32Array.from(history, ({ trackId }) => numberOf(trackId)),
    values: Float32Array.from(history, ({ strength }) => strength),
    targets: targets.map(numberOf),
  }));
}
