import { groupBy } from '../../lib/collections.ts';
import { randomStream } from '../../lib/random.ts';
import { f64 } from '../../lib/typed-arrays.ts';
import { wilson, Z } from '../math/statistics.ts';
import { attentionFall, FALLS } from './attention.ts';
import type { OffPolicyEstimate, OffPolicyRefusal } from './contract.ts';
import type { JudgedList } from './judged-list.ts';
import { addSums, emptySums, type Sums, sumsOf, weightOf } from './weighted-sums.ts';

/** Minimum effective sample size: with fewer, a few positions of great weight decide, and the interval is too narrow. */
const ENOUGH_IMPRESSIONS = 100;
/** The least share of what the version would show that the lists could have shown. */
const ENOUGH_OVERLAP = 0.9;
/** Number of times that listeners are drawn again, with the same seed each time. */
const RESAMPLES = 300;
const SEED = 1;

type Estimate = Omit<OffPolicyEstimate, 'modelVersion' | 'servedAfter'>;

/**
 * The clicks per impression of a version, from lists that others made. A click counts by the attention that its track
 * would get in the version's lists, divided by what it gets on average in those of the version that served it: the
 * estimator for position-based clicks of Li et al. (KDD 2018), normalised by its weights. The interval is from drawing
 * the listeners again, with the fall of attention fitted each time: lists of one listener are not independent.
 */
export function estimate(lists: readonly JudgedList[]): Estimate {
  const byListener = [...groupBy(lists, ({ listenerId }) => listenerId).values()].map(sumsOf);
  const all = byListener.reduce(addSums, emptySums());
  const fall = attentionFall(all.drawn, all.drawnClicks);
  const found = { lists: lists.length, ...countsOf(lists, all, fall) };
  const refusal = refusalOf(found);
  if (refusal !== null) return { ...found, refusal, ips: null, snips: null, low: null, high: null };
  const snips = normalised(all, fall);
  const scores = { refusal, snips, ips: f64(all.gained, fall) / all.impressions };
  return { ...found, ...scores, ...intervalOf(snips, byListener, found.effectiveSampleSize) };
}

function countsOf(lists: readonly JudgedList[], { impressions, clicks, looks, attention }: Sums, fall: number) {
  let [sum, squares] = [0, 0];
  for (const { positions } of lists) {
    for (const position of positions) {
      const weight = weightOf(position, FALLS[fall] ?? 0);
      sum += weight;
      squares += weight ** 2;
    }
  }
  return {
    impressions,
    ctr: impressions > 0 ? clicks / impressions : null,
    meanWeight: impressions > 0 ? f64(looks, fall) / f64(attention, fall) : null,
    effectiveSampleSize: sum > 0 ? sum ** 2 / squares : 0,
  };
}

function refusalOf({
  impressions,
  effectiveSampleSize,
  meanWeight,
}: Pick<Estimate, 'impressions' | 'effectiveSampleSize' | 'meanWeight'>): OffPolicyRefusal | null {
  if (impressions === 0) return 'NO_LISTS';
  if (effectiveSampleSize < ENOUGH_IMPRESSIONS) return 'TOO_FEW';
  return (meanWeight ?? 0) < ENOUGH_OVERLAP ? 'NO_OVERLAP' : null;
}

/** What was gained for the attention that was judged, times the attention that an impression gets. */
const normalised = ({ gained, looks, attention, impressions }: Sums, fall: number): number =>
  f64(looks, fall) > 0 ? ((f64(gained, fall) / f64(looks, fall)) * f64(attention, fall)) / impressions : 0;

/**
 * At least as wide as that of as many impressions of the version's own: where few clicks have great weights, those that
 * happen to be missing are missing in the deviation too.
 */
function intervalOf(snips: number, byListener: readonly Sums[], effectiveSampleSize: number) {
  if (byListener.length < 2) return { low: null, high: null };
  const margin = Z * deviationOf(byListener);
  const own = wilson(Math.min(1, snips), effectiveSampleSize);
  return {
    low: Math.max(0, Math.min(snips - margin, own.low)),
    high: Math.min(1, Math.max(snips + margin, own.high)),
  };
}

function deviationOf(byListener: readonly Sums[]): number {
  const random = randomStream(SEED);
  const found = Array.from({ length: RESAMPLES }, () => {
    const all = emptySums();
    for (let i = 0; i < byListener.length; i++) {
      const drawn = byListener[Math.floor(random() * byListener.length)];
      if (drawn) addSums(all, drawn);
    }
    return normalised(all, attentionFall(all.drawn, all.drawnClicks));
  });
  const mean = found.reduce((sum, value) => sum + value, 0) / RESAMPLES;
  return Math.sqrt(found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (RESAMPLES - 1));
}
