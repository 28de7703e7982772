import { Counter, entryOf } from '../../lib/collections.ts';
import { uniformAt } from '../../lib/random.ts';
import type { Mode } from '../abc/key.ts';
import { abcOf } from './normalise.ts';
import type { CorpusTune } from './read-corpus.ts';
import { transpositions } from './transpose.ts';

interface EpochOptions {
  /** Share of the tunes that is transposed in each epoch. */
  transposed: number;
  seed: number;
}

/** Keys with fewer tunes are not transposed into, because headers that the data lacks are not learnt. */
const FEWEST_TUNES = 5;

/**
 * The texts of epochs: every tune once, some in another key of the same mode. Common keys are chosen more often, by the
 * root of their number of tunes. An epoch is a function of its number.
 */
export function transposedEpochs(
  tunes: readonly CorpusTune[],
  { transposed, seed }: EpochOptions,
): (epoch: number) => string[] {
  const keys = keysByMode(tunes);
  return (epoch) => {
    const draw = (at: number) => uniformAt(seed, epoch * 4 * tunes.length + at);
    return tunes.map(({ tune, abc }, i) => {
      if (draw(4 * i) >= transposed) return abc;
      const weights = keys.get(tune.key.mode) ?? new Map<string, number>();
      const tonic = chooseByWeight([...weights], draw(4 * i + 1));
      const choices = tonic === null ? [] : transpositions(tune, tonic);
      const choice = choices[Math.floor(draw(4 * i + 2) * choices.length)];
      return choice ? abcOf(choice) : abc;
    });
  };
}

/** Tonics with their weights, by mode. */
function keysByMode(tunes: readonly CorpusTune[]): Map<Mode, Map<string, number>> {
  const counts = new Map<Mode, Counter<string>>();
  for (const { tune } of tunes) {
    const { mode, tonic } = tune.key;
    if (!counts.has(mode)) counts.set(mode, new Counter());
    entryOf(counts, mode).add(tonic ?? '');
  }
  const weighted = (counter: Counter<string>) =>
    new Map(
      [...counter].flatMap(([tonic, count]): [string, number][] =>
        count >= FEWEST_TUNES ? [[tonic, Math.sqrt(count)]] : [],
      ),
    );
  return new Map([...counts].map(([mode, counter]) => [mode, weighted(counter)]));
}

function chooseByWeight(weights: readonly (readonly [string, number])[], draw: number): string | null {
  let rest = draw * weights.reduce((sum, [, weight]) => sum + weight, 0);
  return weights.find(([, weight]) => (rest -= weight) < 0)?.[0] ?? null;
}
