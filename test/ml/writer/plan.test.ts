import { describe, expect, it } from 'vitest';
import { nextToStart, type Occupant, planStep } from '../../../src/ml/writer/scheduler/plan.ts';

const costs = { decode: 20, prefillToken: 1.25 };
const taking = (slot: number, done: number, total: number, prompt: readonly number[] = []): Occupant => ({
  slot,
  work: { type: 'prefill', prompt: prompt.length > 0 ? prompt : Array.from({ length: total }, () => 0), done, total },
});
const growing = (slot: number): Occupant => ({ slot, work: { type: 'decode', position: 9 } });

describe('planStep', () => {
  it('decodes every growing draft and processes a piece of the oldest prompt', () => {
    const occupants = [growing(0), taking(2, 0, 40), growing(1), taking(3, 0, 500)];
    const plan = planStep(occupants, costs);
    expect(plan.decode).toEqual([occupants[0], occupants[2]]);
    expect(plan.prefill).toEqual([{ draft: occupants[1], from: 0, to: 28 }]);
    expect(planStep([], costs)).toEqual({ moves: [], decode: [], prefill: [] });
  });

  it('processes longer pieces if no draft stutters, and shorter ones on a slow machine, but at least sixteen tokens', () => {
    expect(planStep([taking(0, 0, 500)], costs).prefill[0]?.to).toBe(256);
    expect(planStep([growing(0), taking(1, 0, 500)], { decode: 100, prefillToken: 1.25 }).prefill[0]?.to).toBe(140);
    expect(planStep([growing(0), taking(1, 0, 500)], { decode: 100, prefillToken: 50 }).prefill[0]?.to).toBe(16);
  });

  it('processes several prompts in a step while more drafts wait than grow', () => {
    const occupants = [growing(0), ...[1, 2, 3, 4].map((slot) => taking(slot, 0, 50))];
    const [first, second, third] = planStep(occupants, costs).prefill;
    expect([first, second]).toEqual([1, 2].map((i) => ({ draft: occupants[i], from: 0, to: 50 })));
    expect(third).toBeUndefined();
    const alone = planStep(occupants.slice(1), costs);
    expect(alone.prefill).toEqual([{ draft: occupants[1], from: 0, to: 50 }]);
  });

  it('[GEN26] processes a prompt that several drafts share once', () => {
    const prompt = Array.from({ length: 50 }, (_, i) => i);
    const occupants = [growing(0), taking(1, 20, 50, prompt), taking(2, 0, 50, prompt), taking(3, 0, 20)];
    expect(planStep(occupants, costs).prefill.map(({ draft }) => draft.slot)).toEqual([1, 3]);
    expect(planStep(occupants.slice(2), costs).prefill.map(({ draft }) => draft.slot)).toEqual([2]);
  });

  it('[GEN2] processes pieces whose length never has remainder one when divided by four', () => {
    for (const decode of [1, 18, 20, 40]) {
      for (let total = 2; total < 600; total++) {
        let done = 0;
        while (done < total) {
          const [piece] = planStep([growing(0), taking(1, done, total)], { ...costs, decode }).prefill;
          expect(piece!.to).toBeGreaterThan(done);
          expect((piece!.to - done) % 4).not.toBe(1);
          done = piece!.to;
        }
        expect(done).toBe(total);
      }
    }
  });

  it('moves the highest drafts into the holes of ended ones', () => {
    expect(planStep([growing(0), growing(5), growing(2), taking(7, 3, 9)], costs).moves).toEqual([
      { from: 5, to: 1 },
      { from: 7, to: 3 },
    ]);
    expect(planStep([growing(1), growing(0)], costs).moves).toEqual([]);
  });
});

describe('[GEN10] nextToStart', () => {
  const of = (listener: number | null, priority = 0) => ({ listener, priority });
  const alike = (): number => 0;

  it('takes the first to arrive among equals', () => {
    const waiting = [of(null), of(null), of(7)];
    expect(nextToStart(waiting, [], alike)).toBe(waiting[0]);
    expect(nextToStart([], [of(1)], alike)).toBeNull();
  });

  it('takes the higher priority, then the listener with the fewest drafts being written', () => {
    const waiting = [of(1), of(1), of(2), of(3)];
    expect(nextToStart(waiting, [of(1), of(1), of(2)], alike)).toBe(waiting[3]);
    expect(nextToStart(waiting, [of(1), of(2), of(3), of(3)], alike)).toBe(waiting[0]);
    const urgent = of(1, 1);
    expect(nextToStart([...waiting, urgent], [of(1), of(1), of(1)], alike)).toBe(urgent);
  });

  it('takes the listener for whom least was done, however few drafts others have being written', () => {
    const costs = new Map([
      [1, 500],
      [2, 40],
    ]);
    const cost = (listener: number | null): number => costs.get(listener ?? 0) ?? 0;
    const waiting = [of(1), of(2), of(1)];
    expect(nextToStart(waiting, [of(2), of(2)], cost)).toBe(waiting[1]);
    expect(nextToStart([...waiting, of(1, 1)], [of(2)], cost)).toMatchObject({ listener: 1, priority: 1 });
  });
});
