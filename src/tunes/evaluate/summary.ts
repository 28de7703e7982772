import { CopyDetector, intervalsOf } from '../corpus/near-copies.ts';
import { measureTune, type TuneMeasures } from './measure-tune.ts';

/** What is measured of several tunes together. */
export interface TuneSummary {
  tunes: number;
  /** Share of the bars that are as long as the metre says. */
  barsExact: number;
  /** Share of the tunes whose last note is the tonic. */
  endsOnTonic: number;
  /** Distinct bars of a tune to all of its bars, the mean of the tunes. */
  distinctBars: number;
  /** Notes of the longest run that a tune shares with the tunes it may not copy. */
  longestCopy: number;
  /** Number of tunes that share a run of 32 notes with them. */
  copiedOver32: number;
  /** How far notes above the tonic, and intervals, are distributed otherwise than in the reference: 0 to 1. */
  degreeDivergence: number;
  intervalDivergence: number;
}

/** @param known melodies, as intervals, whose copies are counted. @param reference tunes to be compared with */
export function summariseTunes(
  tunes: readonly string[],
  known: readonly string[],
  reference: readonly string[],
): TuneSummary {
  const measures = tunes.map(measureTune);
  const others = reference.map(measureTune);
  const detector = new CopyDetector(known);
  const copies = measures.map(({ melody }) => detector.longest(intervalsOf(melody)));
  const total = (figure: (measure: TuneMeasures) => number) => measures.reduce((sum, each) => sum + figure(each), 0);
  return {
    tunes: tunes.length,
    barsExact: total((each) => each.exactBars) / total(({ bars }) => bars),
    endsOnTonic: total((each) => Number(each.endsOnTonic)) / tunes.length,
    distinctBars: total((each) => each.distinctBars / each.bars) / tunes.length,
    longestCopy: Math.max(0, ...copies),
    copiedOver32: copies.filter((run) => run >= COPIED_RUN).length,
    degreeDivergence: divergence(
      measures.flatMap(({ degrees }) => degrees),
      others.flatMap(({ degrees }) => degrees),
    ),
    intervalDivergence: divergence(measures.flatMap(intervalSizes), others.flatMap(intervalSizes)),
  };
}

const COPIED_RUN = 32;

const intervalSizes = ({ melody }: TuneMeasures): number[] =>
  melody.slice(1).map((pitch, i) => pitch - (melody[i] ?? pitch));

/** Jensen–Shannon divergence of two samples, in bits: 0 for the same distribution, 1 for no value in common (Lin 1991). */
export function divergence(a: readonly number[], b: readonly number[]): number {
  const [p, q] = [sharesOf(a), sharesOf(b)];
  const values = new Set([...p.keys(), ...q.keys()]);
  const bits = (share: number, mean: number) => (share > 0 ? (share * Math.log2(share / mean)) / 2 : 0);
  let sum = 0;
  for (const value of values) {
    const [one, other] = [p.get(value) ?? 0, q.get(value) ?? 0];
    sum += bits(one, (one + other) / 2) + bits(other, (one + other) / 2);
  }
  return sum;
}

function sharesOf(sample: readonly number[]): Map<number, number> {
  const shares = new Map<number, number>();
  for (const value of sample) shares.set(value, (shares.get(value) ?? 0) + 1 / sample.length);
  return shares;
}
