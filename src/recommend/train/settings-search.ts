import type { Gemm } from '../../ml/gemm.ts';
import type { TrainingProgress } from '../contract.ts';
import { drawn } from '../math/draw.ts';
import type { Interactions } from './interactions.ts';
import { type ItemModel, type ItemModelOptions, rarityScales, trainItemModel } from './item-model/item-model.ts';
import { excels, meanOf, measure, type Metrics, qualityOf } from './quality/accuracy.ts';
import { holdOutDrawn, holdOutLast, type NumberedCase } from './quality/holdout.ts';
import { mostHeard, sample } from './subsample.ts';

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
  foresight: 0.9,
  faster: [],
  fasterRidge: 1,
  levelling: 0.5,
  rarity: 0,
  recency: 1,
  entries: 16_000_000,
  largestSystem: 20_000,
  system: 4_096,
};

/** The starting point if the order of hearing is known. */
const orderedSettings: ModelSettings = { ...defaultSettings, order: 0.5, recency: 0.97, dropout: 0.25, rarity: 0.1 };

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
/** The tracks of a system in trials, in each scale. The final training uses larger systems. */
const TRIAL = { largestSystem: 4_096, system: 2_048 };
/** How much of the data the forms of scales are first tried on. Only the best of them are tried on all of it. */
const FIRST_ROUND = { items: 1_200, pairs: 8_000_000, cases: 2_000 };
/** Number of forms that are left after the first round. */
const FINALISTS = 2;

/** Required significance of an improvement in standard errors. Of a dozen trials one looks good by chance. */
const MARGIN = 2;

type Choice = ModelSettings & { repeats: number | null };

/** Values of one setting, tried in order from the current one as long as each is better than the previous one. */
type Walk = readonly Partial<Choice>[];

const walk = <Name extends keyof Choice>(name: Name, ...values: Choice[Name][]): Walk =>
  values.map((value) => ({ [name]: value }));

const REPEATS: readonly Walk[] = [walk('repeats', 0, 0.05, 0.1, 0.2, 0.4, 0.8)];
const RECENCY: readonly Walk[] = [walk('recency', 1), walk('recency', 0.93, 0.85, 0.7, 0.5, 0.3)];
/** In one scale what is predicted reaches as far as what predicts it. */
const steps = (...reaches: number[]): Walk => reaches.map((reach) => ({ reach, foresight: reach }));
const ORDER: readonly Walk[] = [
  [{ order: 0, recency: 1 }],
  walk('order', 0.75, 0.9),
  walk('order', 0.25),
  steps(0.7, 0.5, 0.3, 0.15),
  steps(0.97),
];
const OTHERS: readonly Walk[] = [walk('dropout', 0.5, 0.7, 0.85), walk('dropout', 0.25), walk('dropout', 0)];
const FORMS: readonly Walk[] = [
  walk('levelling', 0),
  walk('levelling', 1),
  walk('rarity', 0.1, 0.2, 0.3),
  walk('rarity', 0, -0.1, -0.2),
];
/** A form of scales: of each, how fast a track loses its influence. */
type Form = Partial<Choice>;
/** The very next track from one scale, with little said about what is heard together. */
const chain = (decay: number, ...faster: number[]): Form => {
  return { order: 0.97, reach: decay, recency: decay, foresight: 0, faster, dropout: 0, rarity: 0 };
};
/**
 * What may be better than one scale for everything: one more beside it, for what comes soon or what comes next; and the
 * next track from one, two or three scales.
 */
const FORMS_OF_SCALES: readonly Form[] = [
  { faster: [0.1] },
  { faster: [0.1], fasterRidge: 0.3 },
  { faster: [0.6], foresight: 0 },
  ...[chain(0.8), chain(0.97), chain(0.9, 0.5), chain(0.97, 0.8, 0.3), { ...chain(0.97, 0.6), order: 0.75 }],
];
/** How the scales of a form are weighted. */
const BALANCE: readonly Walk[] = [
  walk('order', 0.75, 0.9, 0.97),
  walk('fasterRidge', 0.3, 0.1),
  walk('fasterRidge', 3),
];
const RIDGE_STEP = 3;
const MOST_STEPS = 6;

/**
 * Chooses settings on tracks held out of these listeners' histories, one setting after the other, each from a few
 * values: the weight of order, its reach, dropout, the ridge, the weight of listeners, and rarity. Then forms of
 * several scales compete with that, first on a part of the data, and the best of them on all of it. A setting leaves its
 * default only if the cases, compared pairwise, agree that this is better, so that nothing is learned from noise.
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
  if (ordered) {
    best.take(RECENCY);
    const few = firstRound(sampled.interactions, seed, gemm, report);
    if (few && best.takeBestOf(finalists(few, best.trial.choice))) best.takeRidge();
  }
  const { choice, measured } = best.trial;
  return { settings: withoutRepeats(choice), repeats: choice.repeats, metrics: meanOf(measured), cases: cases.length };
}

/** Trials on a part of the data. Null if there is too little of it. */
function firstRound(
  interactions: Interactions,
  seed: number,
  gemm: Gemm,
  report: (progress: TrainingProgress) => void,
): Trials | null {
  const part = mostHeard(interactions, FIRST_ROUND, seed);
  const { train, cases } = holdOutLast(part.interactions);
  const some = drawn(cases, FIRST_ROUND.cases, seed);
  return some.length > 0 ? new Trials({ train, cases: some, share: part.share }, gemm, report) : null;
}

/** The forms of scales that are best on a part of the data, each balanced there. */
function finalists(trials: Trials, choice: Choice): readonly Form[] {
  const first = FORMS_OF_SCALES.map((form) => trials.run({ ...choice, ...form })).sort(byQuality);
  return first.slice(0, FINALISTS).map((trial): Form => {
    const best = new Best(trials, trial);
    best.takeRidge();
    best.take(BALANCE);
    return best.trial.choice;
  });
}

const byQuality = (a: Trial, b: Trial): number => qualityOf(meanOf(b.measured)) - qualityOf(meanOf(a.measured));

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

  /** @returns whether the best of these changes is better than none */
  takeBestOf(changes: readonly Partial<Choice>[]): boolean {
    const trials = changes.map((change) => this.#trials.run({ ...this.trial.choice, ...change }));
    const [first] = trials.sort(byQuality);
    if (!first || !excels(first.measured, this.trial.measured, MARGIN)) return false;
    this.trial = first;
    return true;
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
  readonly #rows = new LastMade<ItemModel>();

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
    const trial = { choice, measured: measure(this.#rowsOf(choice), cases, scoring) };
    this.#known.set(key, trial);
    const done = this.#known.size;
    this.#report({ done, whole: Math.max(USUAL_TRIALS, done), what: describe(trial) });
    return trial;
  }

  #rowsOf(choice: Choice): ItemModel {
    const options = this.#optionsOf(choice);
    const { ridge, dropout, order, reach, foresight, levelling, faster, fasterRidge } = options;
    const key = [ridge, dropout, order, reach, foresight, levelling, fasterRidge, ...faster];
    return this.#rows.of(key, () => trainItemModel(this.#data.train, options, this.#gemm));
  }

  #optionsOf(choice: Choice): ItemModelOptions {
    const scales = 1 + choice.faster.length;
    const largestSystem = Math.min(choice.largestSystem, scales * TRIAL.largestSystem);
    const system = scales * TRIAL.system;
    return { ...choice, largestSystem, system, ridge: choice.ridge * this.#data.share, rarity: 0 };
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
const USUAL_TRIALS = 25;

function describe({ choice, measured }: Trial): string {
  const { order, reach, foresight, recency, faster, fasterRidge, ridge, dropout, levelling, rarity } = choice;
  const parts = { order, reach, foresight, recency, ridge: Math.round(ridge), dropout, levelling, rarity };
  const scales = faster.length > 0 ? { faster: faster.join(' and '), fasterRidge } : {};
  const said = Object.entries({ ...parts, ...scales }).map(([name, value]) => `${name} ${value}`);
  return `${said.join(', ')}: ${qualityOf(meanOf(measured)).toFixed(4)}`;
}
