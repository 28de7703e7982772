import { describe, expect, it } from 'vitest';
import type { SparseRows } from '../../../src/recommend/math/sparse-rows.ts';
import { measureOffline } from '../../../src/recommend/train/quality/offline-quality.ts';
import { midRanks, popularityDivergence, popularityGroups } from '../../../src/recommend/train/quality/popularity.ts';
import { Scorer } from '../../../src/recommend/train/quality/scorer.ts';

/** Of a square matrix, row by row. */
function rowsOf(matrix: readonly (readonly number[])[]): SparseRows {
  const entries = matrix.flatMap((row) => row.flatMap((value, column) => (value === 0 ? [] : [{ column, value }])));
  const starts = matrix.map(
    (_, i) =>
      matrix
        .slice(0, i + 1)
        .flat()
        .filter((value) => value !== 0).length,
  );
  return {
    starts: Uint32Array.from([0, ...starts]),
    columns: Uint32Array.from(entries, ({ column }) => column),
    values: Float32Array.from(entries, ({ value }) => value),
  };
}
const heard = (...items: number[]) => ({
  items: Uint32Array.from(items),
  values: Float32Array.from(items, () => 1),
});

// Hearing 0 or 1 speaks for 2 … 13, 0 for the even ones and 1 for the odd ones; 0 is what most have heard.
const size = 14;
const strong = rowsOf(
  Array.from({ length: size }, (_, h) =>
    Array.from({ length: size }, (_, j) => (h < 2 && j > 1 && j % 2 === h ? 1 - j / 100 : 0)),
  ),
);
const counts = Float64Array.from({ length: size }, (_, i) => (i === 0 ? 50 : i === 1 ? 20 : 2));

describe('beyond accuracy, on files', () => {
  it('[EVAL2] [EVAL4] a true reason decides the position, one by popularity only what it happens to affect', () => {
    const quality = measureOffline(strong, [heard(0, 1)], { recency: 1, counts }, counts);
    // The first ten of twelve: 2 … 11. Without its reason each is behind the six of the other, and the one taken away.
    expect(quality['ReasonLeaves@10']).toBeCloseTo(0.4, 6);
    expect(quality['PopularReasonLeaves@10']).toBeCloseTo(0.2, 6);
    expect(quality['PopularReasonDrop@10']).toBeLessThan(quality['ReasonDrop@10']);
  });

  it('[EVAL2] [EVAL4] removing a reason gives the ranking without it', () => {
    const scorer = new Scorer(strong, { recency: 0.5, counts });
    expect(scorer.mainReasons(heard(0, 1), [2, 3, 0])).toEqual([0, 1, null]);
    // The newest counts whole: the odd ones are before the even ones. 0 itself is left out, and without having been heard is not.
    expect(scorer.positionsOf(heard(0, 1), [3, 13, 2, 0])).toEqual([0, 5, 6, null]);
    expect(scorer.positionsOf(heard(1), [3, 13, 0, 2])).toEqual([0, 5, 6, 7]);
  });

  it('[EVAL2] lists of similar items have less diversity, and the whole catalogue has coverage 1', () => {
    const quality = measureOffline(strong, [heard(0), heard(1)], { recency: 1, counts }, counts);
    expect(quality['Coverage@20']).toBe(1);
    // Of what is in the lists only 0 and 1 have weights, and those have nothing in common.
    expect(quality['Diversity@20']).toBe(1);
    const same = rowsOf(Array.from({ length: 4 }, (_, h) => [0, 0, 0, h === 3 ? 0 : 1]));
    expect(measureOffline(same, [heard(3)], { recency: 1, counts }, counts)['Diversity@20']).toBeCloseTo(0, 6);
  });

  it('[EVAL2] [EVAL4] without listeners there are no metrics, and a new listener has no reasons', () => {
    for (const listeners of [[], [heard()]]) {
      const quality = measureOffline(strong, listeners, { recency: 1, counts }, counts);
      expect(Object.values(quality).every(Number.isFinite)).toBe(true);
      expect(quality['ReasonLeaves@10']).toBe(0);
    }
  });

  it('[CAT3] popularity is the mid-rank percentile, 0 if nobody heard it', () => {
    expect([...midRanks(Float64Array.of(0, 3, 1, 3))]).toEqual([0, 0.75, 0.375, 0.75]);
  });

  it('[EVAL2] popularity divergence is 0 if list and history agree, and 1 if they share no group', () => {
    // A fifth of ten is of item 0, and a fifth of 4 and 5.
    const groups = popularityGroups(Float64Array.of(2, 2, 2, 2, 1, 1));
    expect(popularityDivergence([0, 1, 4], [0, 2, 5], groups)).toBeCloseTo(0, 12);
    expect(popularityDivergence([0], [4, 5], groups)).toBeCloseTo(1, 12);
    expect(popularityDivergence([], [4], groups)).toBeNull();
  });
});
