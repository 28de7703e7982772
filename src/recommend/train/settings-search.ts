import type { Gemm } from '../../ml/gemm.ts';
import type { TrainingProgress } from '../contract.ts';
import { drawn } from '../math/draw.ts';
import type { SparseRows } from '../math/sparse-rows.ts';
import { excels, meanOf, measure, type Metrics, qualityOf } from './accuracy.ts';
import { holdOutDrawn, holdOutLast, type NumberedCase } from './holdout.ts';
import type { Interactions } from './interactions.ts';
import { type ItemModelOptions, rarityScales, trainItemModel, trainNext } from './item-model.ts';
import { sample } from './subsample.ts';

/** All settings that are chosen before a training. */
export interface ModelSettings extends ItemModelOptions {
  /** Each track of a history counts this much of the one after it. */
  recency: number;
}

export const defaultSettings: ModelSettings = {
  ridge: 50,
  dropout: 0,
  order: 0,
  reach: 0.9,
  levelling: 0.5,
  rarity: 0,
  recency: 1,
  next: 0,
  entries: 16_000_000,
  largestSystem: 20_000,
  system: 4_096,
};

/** The starting point if the order of hearing is known. */
const orderedSettings: ModelSettings = { ...defaultSettings, order: 0.5, recency: 0.97 };

export interface SearchOptions {
  /** Whether the order of a listener's tracks is known. Otherwise no model that needs it is tried. */
  ordered: boolean;
  /** Whether heard tracks may be targets. Otherwise they are always excluded. */
  mayRepeat?: boolean;
  seed: number;
}

export interface SearchResult {
  settings: ModelSettings;
  /**
   * How much having heard a track speaks for hearing it again, in addition to the weights. Null excludes heard tracks.
   */
  repeats: number | null;
  /** The metrics of the chosen settings on the held-out tracks. */
  metrics: Metrics;
  cases: number;
}

/** Maximum amount of data for a search, so that it takes about a minute. */
const SAMPLE = { items: 10_000, pairs: 80_000_000 };
const MOST_CASES = 4_000;
/** The sizes of systems in trials. The final training uses larger ones. */
const TRIAL = { largestSystem: 4_096, system: 2_048 };

/** Required significance of an improvement in standard errors. Of a dozen trials one looks good by chance. */
const MARGIN = 2;

type Choice = ModelSettings & { repeats: number | null };

/** Values of one setting, tried in order from the current one as long as each is better than the previous one. */
type Walk = readonly Partial<Choice>[];

const walk = <Name extends keyof Choice>(name: Name, ...values: Choice[Name][]): Walk =>
  values.map((value) => ({ [name]: value }));

const REPEATS: readonly Walk[] = [walk('repeats', 0, 0.05, 0.1, 0.2, 0.4, 0.8)];
const RECENCY: readonly Walk[] = [walk('recency', 1), walk('recency', 0.93, 0.85, 0.7, 0.5, 0.3)];
const ORDER: readonly Walk[] = [
  [{ order: 0, recency: 1 }],
  walk('order', 0.75, 0.9),
  walk('order', 0.25),
  walk('reach', 0.7, 0.5, 0.3, 0.15),
  walk('reach', 0.97),
];
const OTHERS: readonly Walk[] = [walk('dropout', 0.5, 0.7, 0.85), walk('dropout', 0.25)];
const FORMS: readonly Walk[] = [
  walk('levelling', 0),
  walk('levelling', 1),
  walk('rarity', 0.1, 0.2, 0.3),
  walk('rarity', -0.1, -0.2),
];
const NEXT: readonly Walk[] = [walk('next', 0.3, 0.6), walk('next', 0.15)];
const RIDGE_STEP = 3;
const MOST_STEPS = 6;

/**
 * Chooses settings on tracks held out of these listeners' histories, one setting after the other, each from a few
 * values: the weight of order, its reach, dropout, the ridge, the weight of listeners, rarity, and what comes right
 * after the newest track. A setting leaves its default only if the cases, compared pairwise, agree that this is better,
 * so that nothing is learned from noise.
 */
export function search(
  interactions: Interactions,
  { ordered, mayRepeat = false, seed }: SearchOptions,
  gemm: Gemm,
  report: (progress: TrainingProgress) => void,
): SearchResult {
  const start = { ...(ordered ? orderedSettings : defaultSettings), repeats: null };
  const sampled = sample(interactions, SAMPLE, seed);
  const holdout = ordered ? holdOutLast(sampled.interactions) : holdOutDrawn(sampled.interactions, seed);
  const cases = drawn(holdout.cases, MOST_CASES, seed);
  const trials = new Trials({ train: holdout.train, cases, share: sampled.share }, gemm, report);
  if (cases.length === 0) return { settings: withoutRepeats(start), repeats: null, metrics: meanOf([]), cases: 0 };
  const best = new Best(trials, trials.run(start));
  if (mayRepeat) best.take(REPEATS);
  if (ordered) best.take([...RECENCY, ...ORDER]);
  best.take(OTHERS);
  best.takeRidge();
  best.take(FORMS);
  // Last, because it needs another system, and recency then already favours what is newest.
  if (ordered) best.take([...RECENCY, ...NEXT]);
  const { choice, measured } = best.trial;
  return { settings: withoutRepeats(choice), repeats: choice.repeats, metrics: meanOf(measured), cases: cases.length };
}

function withoutRepeats({ repeats: _, ...settings }: Choice): ModelSettings {
  return settings;
}

interface Trial {
  choice: Choice;
  measured: readonly Metrics[];
}

/** The best trial so far, and how it can be beaten. */
class Best {
  trial: Trial;
  readonly #trials: Trials;

  constructor(trials: Trials, first: Trial) {
    this.#trials = trials;
    this.trial = first;
  }

  take(walks: readonly Walk[]): void {
    for (const steps of walks) {
      for (const step of steps) if (!this.#isBeatenBy(step)) break;
    }
  }

  takeRidge(): void {
    for (const factor of [RIDGE_STEP, 1 / RIDGE_STEP]) {
      for (let steps = 0; steps < MOST_STEPS; steps++) {
        if (!this.#isBeatenBy({ ridge: this.trial.choice.ridge * factor })) break;
      }
    }
  }

  #isBeatenBy(change: Partial<Choice>): boolean {
    const trial = this.#trials.run({ ...this.trial.choice, ...change });
    const isBetter = excels(trial.measured, this.trial.measured, MARGIN);
    if (isBetter) this.trial = trial;
    return isBetter;
  }
}

interface TrialData {
  train: Interactions;
  cases: readonly NumberedCase[];
  /** The share of all listeners in the sample. Sums, and therefore the ridge, are smaller by this factor. */
  share: number;
}

/** Trains and measures, each model once. */
class Trials {
  readonly #data: TrialData;
  readonly #gemm: Gemm;
  readonly #report: (progress: TrainingProgress) => void;
  readonly #known = new Map<string, Trial>();
  readonly #rows = new LastMade<SparseRows>();
  readonly #next = new LastMade<SparseRows>();

  constructor(data: TrialData, gemm: Gemm, report: (progress: TrainingProgress) => void) {
    this.#data = data;
    this.#gemm = gemm;
    this.#report = report;
  }

  run(choice: Choice): Trial {
    const key = JSON.stringify(choice);
    const known = this.#known.get(key);
    if (known) return known;
    const { train, cases } = this.#data;
    const scales = choice.rarity === 0 ? null : rarityScales(train, choice.rarity);
    const scoring = { recency: choice.recency, repeats: choice.repeats, scales };
    const rows = { ...this.#rowsOf(choice), next: this.#nextOf(choice) };
    const trial = { choice, measured: measure(rows, cases, scoring) };
    this.#known.set(key, trial);
    const done = this.#known.size;
    this.#report({ done, whole: Math.max(USUAL_TRIALS, done), what: describe(trial) });
    return trial;
  }

  #rowsOf(choice: Choice): SparseRows {
    const options = { ...this.#optionsOf(choice), next: 0 };
    const { ridge, dropout, order, reach, levelling } = options;
    const key = [ridge, dropout, order, reach, levelling];
    return this.#rows.of(key, () => trainItemModel(this.#data.train, options, this.#gemm));
  }

  /** Solved once, whatever its weight. */
  #nextOf(choice: Choice): SparseRows | null {
    if (choice.next === 0) return null;
    const options = { ...this.#optionsOf(choice), next: 1 };
    const { ridge, dropout, levelling } = options;
    const rows = this.#next.of([ridge, dropout, levelling], () => trainNext(this.#data.train, options, this.#gemm));
    return { ...rows, values: rows.values.map((value) => choice.next * value) };
  }

  #optionsOf(choice: Choice): ItemModelOptions {
    const largestSystem = Math.min(choice.largestSystem, TRIAL.largestSystem);
    return { ...choice, ...TRIAL, largestSystem, ridge: choice.ridge * this.#data.share, rarity: 0 };
  }
}

/** Caches the last result by its inputs. */
class LastMade<Made> {
  #last: { key: string; made: Made } | null = null;

  of(parts: readonly number[], make: () => Made): Made {
    const key = JSON.stringify(parts);
    if (this.#last?.key !== key) this.#last = { key, made: make() };
    return this.#last.made;
  }
}

/** Usual number of trials in a search. */
const USUAL_TRIALS = 20;

function describe({ choice, measured }: Trial): string {
  const { order, reach, recency, next, ridge, dropout, levelling, rarity } = choice;
  const parts = { order, reach, recency, next, ridge: Math.round(ridge), dropout, levelling, rarity };
  const said = Object.entries(parts).map(([name, value]) => `${name} ${value}`);
  return `${said.join(', ')}: ${qualityOf(meanOf(measured)).toFixed(4)}`;
}
