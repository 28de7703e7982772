import { afterAll, describe, expect, it } from 'vitest';
import { groupBy } from '../../../src/lib/collections.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { Gemm } from '../../../src/ml/gemm.ts';
import { toInteractions } from '../../../src/recommend/train/interactions.ts';
import { trainItemModel } from '../../../src/recommend/train/item-model/item-model.ts';
import { holdOutLast } from '../../../src/recommend/train/quality/holdout.ts';
import { Scorer } from '../../../src/recommend/train/quality/scorer.ts';
import { type ModelSettings, search } from '../../../src/recommend/train/settings-search.ts';
import { holdOutTargets } from '../../../src/recommend/versions/version-training.ts';

const gemm = new Gemm();
afterAll(() => gemm[Symbol.dispose]());

const interactionsOf = (rows: readonly (readonly number[])[]) =>
  toInteractions(rows.map((row) => row.map((trackId) => ({ trackId, strength: 1 })))).interactions;
const TASTES = 12;
/** Tracks of a taste; a listener of it has heard eight of them. */
const OF_TASTE = 14;
const HEARD = 8;

/** Listeners of twelve tastes, whose histories end in tracks that are in fashion with all of them. */
function fashionable({ fashions, share }: { fashions: number; share: number }): { rows: number[][]; tastes: number[] } {
  const random = randomStream(9);
  const draw = (from: number, size: number, count: number): number[] => {
    const left = Array.from({ length: size }, (_, i) => from + i);
    return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
  };
  const tastes = Array.from({ length: 360 }, (_, u) => u % TASTES);
  const rows = tastes.map((taste) => {
    const own = draw(100 + OF_TASTE * taste, OF_TASTE, HEARD);
    const modish = draw(1, fashions, 3);
    return random() < share ? [...own, ...modish] : [...modish, ...own];
  });
  return { rows, tastes };
}

/** Of the six tracks of their taste that they have not heard, how many are in their first six positions, on average. */
function tasteInLists(rows: readonly number[][], tastes: readonly number[], settings: ModelSettings): number {
  const { ids, interactions } = toInteractions(rows.map((row) => row.map((trackId) => ({ trackId, strength: 1 }))));
  const numberOf = new Map(ids.map((id, number) => [id, number]));
  const scorer = new Scorer(trainItemModel(interactions, settings, gemm), { recency: settings.recency });
  const found = rows.map((row, u) => {
    const items = Uint32Array.from(row, (id) => numberOf.get(id)!);
    const best = [...scorer.best({ items, values: new Float32Array(items.length).fill(1) })];
    const positions = best.slice(0, OF_TASTE - HEARD).map((item) => ids[item]!);
    return positions.filter((id) => id >= 100 && Math.floor((id - 100) / OF_TASTE) === tastes[u]).length;
  });
  return found.reduce((sum, count) => sum + count, 0) / rows.length / (OF_TASTE - HEARD);
}

describe('[REC9] [REC19] with fashion at the end of histories, taste wins', () => {
  it.each([
    ['everybody’s ends in the same few tracks', { fashions: 10, share: 1, least: 0.5 }],
    ['most end in the same few tracks', { fashions: 10, share: 0.8, least: 0.85 }],
  ])('%s', (_, { least, ...kind }) => {
    const { rows, tastes } = fashionable(kind);
    const { settings } = search(interactionsOf(rows), { ordered: true, seed: 1 }, gemm, () => undefined);
    expect(settings.recency).toBeGreaterThan(0.8);
    expect(tasteInLists(rows, tastes, settings)).toBeGreaterThan(least);
  });
});

describe('[REC9] [REC21] what is held out', () => {
  /** Three hundred listeners who each heard a track of their own, then one of a hundred, then what all hear. */
  const rows = Array.from({ length: 300 }, (_, u) => [1_000 + u, 100 + (u % 100), 7]);
  const asHistories = rows.map((row) => row.map((trackId) => ({ trackId, strength: 1 })));

  it('is the target of at most a hundredth of the listeners; the others have an earlier target', () => {
    const { cases, train } = holdOutLast(interactionsOf(rows));
    const counts = groupBy(
      cases.flatMap(({ targets }) => targets),
      (target) => target,
    );
    const numberOf7 = 0;
    expect(cases).toHaveLength(300);
    expect(counts.get(numberOf7)).toHaveLength(3);
    expect(Math.max(...Array.from(counts.values(), (same) => same.length))).toBe(3);
    // Of those who were asked for what came before it, it is trained on, and not known.
    expect(train.items.filter((item) => item === numberOf7)).toHaveLength(297);
    expect(cases.filter(({ items }) => items.includes(numberOf7))).toEqual([]);
  });

  it('is the same when versions are measured and compared', () => {
    const { cases, train } = holdOutTargets(asHistories);
    expect(cases.filter(({ targets }) => targets[0] === 7)).toHaveLength(3);
    expect(cases.every(({ history }) => history.every(({ trackId }) => trackId !== 7))).toBe(true);
    expect(train.flat().filter(({ trackId }) => trackId === 7)).toHaveLength(297);
  });

  it('is the last track of everybody if there are few tracks or listeners', () => {
    const few = Array.from({ length: 60 }, (_, u) => [1 + (u % 10), 1 + ((u + 1) % 10)]);
    const { cases } = holdOutLast(interactionsOf(few));
    expect(cases.map(({ targets }) => targets)).toEqual(few.map(([, last]) => [last! - 1]));
  });
});
