import type { Gemm } from '../ml/gemm.ts';
import { randomStream } from '../lib/random.ts';
import { excels, measure, meanOf, qualityOf, type Metrics } from './evaluation.ts';
import { holdOutDrawn, holdOutLast, sample, type NumberedCase } from './holdout.ts';
import type { Interactions } from './interactions.ts';
import { rarityScales, trainItemModel, type ItemModelOptions } from './item-model.ts';
import type { KeptRows } from './kept-rows.ts';

/** All that is chosen of a model before it is trained. */
export interface ModelSettings extends ItemModelOptions {
  /** Of a listener's history each track counts this much of the one after it. */
  recency: number;
}

export const defaultSettings: ModelSettings = {
  ridge: 50,
  order: 0,
  reach: 0.9,
  levelling: 0.5,
  rarity: 0,
  recency: 1,
  entries: 16_000_000,
  largestSystem: 20_000,
};

/** Where to start from when the order of hearing is known. */
const orderedSettings: ModelSettings = { ...defaultSettings, order: 0.5, recency: 0.97 };

export interface SearchOptions {
  /** Whether the order of a listener's tracks is known: if it is not, no model that needs it is tried. */
  ordered: boolean;
  seed: number;
}

export interface SearchResult {
  settings: ModelSettings;
  /** Of the settings chosen, on what was held out. */
  metrics: Metrics;
  cases: number;
}

export interface Progress {
  done: number;
  whole: number;
  what: string;
}

/** What a search reads at most, so that it takes a minute or so whatever there is. */
const SAMPLE = { items: 4_000, events: 400_000 };
const MOST_CASES = 2_000;

/** How sure a change must be, in standard errors: among a dozen that are tried, one looks good by chance. */
const MARGIN = 2;

/** What is tried in place of the defaults, one after another; each is tried against the best before it. */
const CHANGES: readonly Partial<ModelSettings>[] = [{ recency: 1 }, { recency: 0.93 }, { recency: 0.85 }];
const ORDER_CHANGES: readonly Partial<ModelSettings>[] = [
  { order: 0, recency: 1 },
  { order: 0.25 },
  { order: 0.75 },
  { reach: 0.7 },
  { reach: 0.97 },
];
const RIDGE_STEP = 3;
const OTHER_CHANGES: readonly Partial<ModelSettings>[] = [
  { levelling: 0 },
  { levelling: 1 },
  { rarity: 0.1 },
  { rarity: 0.2 },
  { rarity: -0.1 },
];

/**
 * Chooses settings on tracks held out of these listeners' own, one after another, each from a few values: how much order
 * counts, how far it reaches, the ridge, how listeners weigh, rarity. A setting leaves its default only where the cases,
 * compared one by one, agree that it is better, so that nothing is learned from noise.
 */
export function search(
  interactions: Interactions,
  { ordered, seed }: SearchOptions,
  gemm: Gemm,
  report: (progress: Progress) => void,
): SearchResult {
  const start = ordered ? orderedSettings : defaultSettings;
  const sampled = sample(interactions, SAMPLE, seed);
  const holdout = ordered ? holdOutLast(sampled) : holdOutDrawn(sampled, seed);
  const trials = new Trials(holdout.train, drawn(holdout.cases, MOST_CASES, seed), gemm, report);
  if (trials.cases === 0) return { settings: start, metrics: meanOf([]), cases: 0 };
  let best = trials.run(start);
  const consider = (change: Partial<ModelSettings>): boolean => {
    const trial = trials.run({ ...best.settings, ...change });
    const isBetter = excels(trial.measured, best.measured, MARGIN);
    if (isBetter) best = trial;
    return isBetter;
  };
  if (ordered) for (const change of [...CHANGES, ...ORDER_CHANGES]) consider(change);
  for (const step of [RIDGE_STEP, 1 / RIDGE_STEP]) {
    for (let steps = 0; steps < MOST_STEPS && consider({ ridge: best.settings.ridge * step }); steps++);
  }
  for (const change of OTHER_CHANGES) consider(change);
  return { settings: best.settings, metrics: meanOf(best.measured), cases: trials.cases };
}

const MOST_STEPS = 6;

interface Trial {
  settings: ModelSettings;
  measured: readonly Metrics[];
}

/** Trains and measures, each model once. */
class Trials {
  readonly #train: Interactions;
  readonly #cases: readonly NumberedCase[];
  readonly #gemm: Gemm;
  readonly #report: (progress: Progress) => void;
  #last: { key: string; rows: KeptRows } | null = null;
  #done = 0;

  constructor(train: Interactions, cases: readonly NumberedCase[], gemm: Gemm, report: (progress: Progress) => void) {
    this.#train = train;
    this.#cases = cases;
    this.#gemm = gemm;
    this.#report = report;
  }

  get cases(): number {
    return this.#cases.length;
  }

  run(settings: ModelSettings): Trial {
    const rows = this.#rowsOf(settings);
    const scales = settings.rarity === 0 ? null : rarityScales(this.#train, settings.rarity);
    const measured = measure(rows, this.#cases, { recency: settings.recency, scales });
    const trial = { settings, measured };
    this.#done += 1;
    this.#report({ done: this.#done, whole: Math.max(USUAL_TRIALS, this.#done), what: describe(trial) });
    return trial;
  }

  #rowsOf(settings: ModelSettings): KeptRows {
    const options = { ...settings, rarity: 0 };
    const { ridge, order, reach, levelling } = options;
    const key = JSON.stringify([ridge, order, reach, levelling]);
    if (this.#last?.key !== key) this.#last = { key, rows: trainItemModel(this.#train, options, this.#gemm) };
    return this.#last.rows;
  }
}

/** What a search usually comes to. */
const USUAL_TRIALS = 16;

function describe({ settings, measured }: Trial): string {
  const { order, reach, recency, ridge, levelling, rarity } = settings;
  const parts = { order, reach, recency, ridge: Math.round(ridge), levelling, rarity };
  const said = Object.entries(parts).map(([name, value]) => `${name} ${value}`);
  return `${said.join(', ')}: ${qualityOf(meanOf(measured)).toFixed(4)}`;
}

/** At most so many of them, the same each time. */
export function drawn<Item>(all: readonly Item[], most: number, seed: number): readonly Item[] {
  if (all.length <= most) return all;
  const random = randomStream(seed);
  return all
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, most)
    .map(({ item }) => item);
}
