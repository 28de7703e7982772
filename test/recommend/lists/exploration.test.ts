import { describe, expect, it } from 'vitest';
import { emptyVector, sparseVector } from '../../../src/recommend/math/sparse.ts';
import { diversify } from '../../../src/recommend/ranking/diversity.ts';

const scores = [0.9, 0.7, 0.6, 0.2];
// The first two are alike, so that diversity has something to say.
const features = [[0], [0], [1], [2]].map(([feature]) => sparseVector([[feature!, 1]]));
const list = (seed: number, rate: number, count = 3, diversity = 0.5, before: number[] = []) =>
  diversify(Int32Array.of(0, 1, 2, 3), before, count, {
    ...{
      diversity,
      calibration: 0,
      genres: null,
      features: { of: (index) => features[index] },
      zeros: new Float64Array(3),
    },
    scoreOf: (index) => scores[index]!,
    exploration: { rate, seed },
  });

describe('exploration', () => {
  it('[EXPLORE2] propensities are exact: they add up to 1 over all possible lists, and lists occur accordingly', () => {
    const rate = 0.4;
    const rounds = 40_000;
    const seen = new Map<string, { chance: number; times: number }>();
    for (let seed = 0; seed < rounds; seed++) {
      const picked = list(seed, rate);
      const name = picked.map(({ index }) => index).join();
      const chance = picked.reduce((product, { propensity }) => product * propensity, 1);
      const known = seen.get(name) ?? { chance, times: 0 };
      expect(known.chance).toBeCloseTo(chance, 12);
      seen.set(name, { chance, times: known.times + 1 });
    }
    // Every ordered choice of three of four can be.
    expect(seen.size).toBe(24);
    expect([...seen.values()].reduce((sum, { chance }) => sum + chance, 0)).toBeCloseTo(1, 12);
    for (const { chance, times } of seen.values()) {
      const deviation = Math.sqrt(rounds * chance * (1 - chance));
      expect(Math.abs(times - rounds * chance)).toBeLessThan(5 * deviation);
    }
  });

  it('[EXPLORE2] the list is a function of its seed, and the same for any page size', () => {
    for (let seed = 0; seed < 200; seed++) {
      const whole = list(seed, 0.5, 4);
      const first = list(seed, 0.5, 2);
      const rest = list(
        seed,
        0.5,
        2,
        0.5,
        first.map(({ index }) => index),
      );
      expect([...first, ...rest]).toEqual(whole);
    }
  });

  it('[EXPLORE1] without it the best is chosen with certainty, with and without diversity', () => {
    for (const diversity of [0, 0.5]) {
      const picked = list(7, 0, 4, diversity);
      expect(picked.map(({ propensity }) => propensity)).toEqual([1, 1, 1, 1]);
    }
    expect(list(7, 0, 4, 0).map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const none = diversify(new Int32Array(), [], 3, {
      ...{
        diversity: 0.5,
        calibration: 0,
        genres: null,
        features: { of: () => emptyVector },
        zeros: new Float64Array(),
        scoreOf: () => 0,
      },
      exploration: { rate: 0.5, seed: 1 },
    });
    expect(none).toEqual([]);
  });
});
