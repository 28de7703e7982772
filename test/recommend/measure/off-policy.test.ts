import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { wilson } from '../../../src/recommend/math/statistics.ts';
import type { JudgedList, JudgedPosition } from '../../../src/recommend/measure/judged-list.ts';
import { estimate } from '../../../src/recommend/measure/off-policy-estimate.ts';
import { simulateOffPolicy } from '../../../src/recommend/recommender.ts';

/** A position that both versions fill with the same track, which the judged one does so many times as often. */
const place = (at: number, weight: number, isClicked: boolean, isDrawn = false): JudgedPosition => {
  const only = (chance: number) => Float64Array.from({ length: 2 }, (_, i) => (i === at ? chance : 0));
  return { isClicked, isDrawn, served: only(0.5), judged: only(0.5 * weight) };
};

describe('[ATTR5] an off-policy estimate', () => {
  it('by hand', () => {
    const lists = Array.from({ length: 60 }, (_, i): JudgedList[] => [
      { listenerId: 2 * i, positions: [place(0, 2, true), place(1, 0, true)] },
      { listenerId: 2 * i + 1, positions: [place(0, 1, false), place(1, 1, true)] },
    ]).flat();
    const found = estimate(lists);
    expect(found).toMatchObject({ lists: 120, impressions: 240, ctr: 0.75, ips: 0.75, snips: 0.75, meanWeight: 1 });
    expect(found.effectiveSampleSize).toBeCloseTo(240 ** 2 / (60 * 6), 9);
    // As many impressions of its own would tell no more precisely.
    const own = wilson(0.75, found.effectiveSampleSize);
    expect([found.low, found.high]).toEqual([own.low, own.high]);
  });

  it('takes what one listener does in several lists for one observation', () => {
    const lists = Array.from({ length: 400 }, (_, i): JudgedList => {
      return { listenerId: i % 40, positions: [place(0, 1, i % 2 === 0)] };
    });
    const { snips, low, high } = estimate(lists);
    expect(snips).toBe(0.5);
    // Each listener clicks in all lists or in none.
    const margin = 1.96 * Math.sqrt(0.25 / 40);
    expect((high! - 0.5) / margin).toBeCloseTo(1, 0.5);
    expect((0.5 - low!) / margin).toBeCloseTo(1, 0.5);
  });

  it('credits a track that would be put elsewhere, by the attention that it would get there', () => {
    const random = randomStream(3);
    // A second position gets half of the attention of the first, as drawn tracks show.
    const shown = (isDrawn: boolean): JudgedList[] =>
      Array.from({ length: 4_000 }, (_, i) => ({
        listenerId: i % 400,
        positions: [0.3, 0.15].map((chance, at): JudgedPosition => {
          const served = Float64Array.from({ length: 2 }, (_, j) => (isDrawn ? 0.5 : j === at ? 1 : 0));
          // The judged version exchanges the two.
          const judged = isDrawn ? served : Float64Array.from({ length: 2 }, (_, j) => (j === at ? 0 : 1));
          // Only what comes first is ever liked where nothing was drawn.
          return { isClicked: random() < (isDrawn || at === 0 ? chance : 0), isDrawn, served, judged };
        }),
      }));
    const { snips, low, high } = estimate([...shown(true), ...shown(false)]);
    // Drawn: 0.3 and 0.15. The liked track gets half the attention, and half the clicks, in the second place.
    const truth = (0.3 + 0.15 + 0.15 + 0) / 4;
    expect(snips).toBeCloseTo(truth, 2);
    expect(low).toBeLessThan(truth);
    expect(high).toBeGreaterThan(truth);
  });

  it('[ATTR6] is refused without lists, for a few places of great weight, and for what was never shown', () => {
    const none = { ips: null, snips: null, low: null, high: null };
    expect(estimate([])).toEqual({
      ...{ ...none, lists: 0, impressions: 0, ctr: null, effectiveSampleSize: 0, meanWeight: null },
      refusal: 'NO_LISTS',
    });
    const lists = (weightOf: (i: number) => number) =>
      Array.from({ length: 400 }, (_, i): JudgedList => {
        return { listenerId: i % 40, positions: [place(0, weightOf(i), i % 3 === 0)] };
      });
    expect(estimate(lists(() => 1))).toMatchObject({ refusal: null, effectiveSampleSize: 400, ips: 134 / 400 });
    const few = estimate(lists((i) => (i < 5 ? 100 : 1)));
    expect(few.effectiveSampleSize).toBeLessThan(100);
    expect(few).toMatchObject({ ...none, refusal: 'TOO_FEW', impressions: 400 });
    expect(estimate(lists((i) => (i % 4 === 0 ? 0 : 1)))).toMatchObject({
      ...none,
      refusal: 'NO_OVERLAP',
      meanWeight: 0.75,
    });
  });

  it('[ATTR6] [ATTR7] holds the truth in simulated deployments, unless a version is judged by what it learned from', async () => {
    const outcomes = await simulateOffPolicy(6, () => undefined);
    for (const name of ['untrained', 'others', 'clicks'] as const) {
      expect(outcomes[name].held, name).toBeGreaterThanOrEqual(outcomes[name].given - 1);
      expect(outcomes[name].given, name).toBeGreaterThanOrEqual(4);
    }
    expect(outcomes.ownClicks).toMatchObject({ held: 0, given: 6 });
    expect(outcomes.ownClicks.snips).toBeGreaterThan(1.4 * outcomes.ownClicks.truth);
  });
});
