import { expect, it } from 'vitest';
import { mayTake, retryAfter, whenMayTake } from '../../src/lib/fair-share.ts';
import { forecastEnds, type Remaining } from '../../src/ml/writer/forecast.ts';

/** Listeners who each take all that they can, by turns. @returns what each holds */
function greed(listeners: number, places: number): number[] {
  const held = Array.from({ length: listeners }, () => 0);
  const free = () => places - held.reduce((sum, one) => sum + one, 0);
  for (let taken = true; taken;) {
    taken = false;
    for (let i = 0; i < listeners; i++) {
      if (!mayTake(held[i]!, free())) continue;
      held[i]! += 1;
      taken = true;
    }
  }
  return held;
}

it('[FAIR1] nobody holds more than half, and however many are greedy, a newcomer gets a place', () => {
  for (let places = 1; places <= 64; places++) {
    for (let listeners = 1; listeners < places; listeners++) {
      const held = greed(listeners, places);
      const free = places - held.reduce((sum, one) => sum + one, 0);
      expect(Math.max(...held)).toBeLessThanOrEqual(Math.max(1, places / 2));
      expect(mayTake(0, free)).toBe(true);
    }
  }
  expect(greed(1, 32)).toEqual([16]);
  expect(greed(2, 32)).toEqual([11, 10]);
  expect(greed(32, 32)).toEqual(Array.from({ length: 32 }, () => 1));
});

it('[FAIR3] a place is available when enough drafts have ended', () => {
  const ends = [
    { own: false, ms: 10 },
    { own: true, ms: 20 },
    { own: false, ms: 30 },
  ];
  expect(whenMayTake(0, 0, ends)).toBe(10);
  expect(whenMayTake(16, 16, ends)).toBe(20);
  expect(whenMayTake(1, 0, ends.slice(0, 1))).toBeNull();
  expect(whenMayTake(2, 2, [])).toBeNull();
  expect(retryAfter(1_000)).toBe(1_100);
  expect(retryAfter(0)).toBe(1);
});

it('[FAIR3] drafts end in order of remaining tokens, and waiting drafts after those with slots', () => {
  const draft = (listener: number, changes: Partial<Remaining>): Remaining => ({
    ...{ listener, running: true, promptTokens: 0, tokens: 100, limitMs: null },
    ...changes,
  });
  const pace = { stepMs: 10, prefillTokenMs: 1 };
  const drafts = [
    draft(4, { running: false, promptTokens: 50, tokens: 20 }),
    draft(1, {}),
    draft(2, { tokens: 30 }),
    draft(3, { running: false, tokens: 4_000, limitMs: 900 }),
  ];
  expect(forecastEnds(drafts, 2, pace)).toEqual([
    { listener: 2, ms: 300 },
    { listener: 4, ms: 550 },
    { listener: 3, ms: 900 },
    { listener: 1, ms: 1_000 },
  ]);
});
