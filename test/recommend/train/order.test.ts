import { afterAll, describe, expect, it } from 'vitest';
import { Counter } from '../../../src/lib/collections.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { Gemm } from '../../../src/ml/gemm.ts';
import type { SparseRows } from '../../../src/recommend/math/sparse-rows.ts';
import { isOrdered, toInteractions } from '../../../src/recommend/train/interactions.ts';
import { trainInBlocks } from '../../../src/recommend/train/item-model/ease-in-blocks.ts';
import { groupItems } from '../../../src/recommend/train/item-model/item-groups.ts';
import { type ItemModelOptions, trainItemModel } from '../../../src/recommend/train/item-model/item-model.ts';
import { meanOf, measure } from '../../../src/recommend/train/quality/accuracy.ts';
import { holdOutLast } from '../../../src/recommend/train/quality/holdout.ts';
import { defaultSettings, search } from '../../../src/recommend/train/settings-search.ts';
import { sample } from '../../../src/recommend/train/subsample.ts';

const gemm = new Gemm();
afterAll(() => gemm[Symbol.dispose]());

const historiesOf = (rows: readonly (readonly number[])[]) =>
  rows.map((row) => row.map((trackId) => ({ trackId, strength: 0.5 + (trackId % 3) / 4 })));
const interactionsOf = (rows: readonly (readonly number[])[]) => toInteractions(historiesOf(rows)).interactions;

/** Histories of distinct tracks, drawn. */
function drawnRows(listeners: number, tracks: number, seed: number): number[][] {
  const random = randomStream(seed);
  return Array.from({ length: listeners }, () => {
    const left = Array.from({ length: tracks }, (_, i) => i + 1);
    const length = 2 + Math.floor(random() * (tracks / 2));
    return Array.from({ length }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
  });
}

function dense(rows: SparseRows, n: number): number[][] {
  return Array.from({ length: n }, (_, i) => {
    const row = new Array<number>(n).fill(0);
    for (let at = rows.starts[i]!; at < rows.starts[i + 1]!; at++) row[rows.columns[at]!] = rows.values[at]!;
    return row;
  });
}

function inverseOf(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const work = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    work[i] = work[i]!.map((value) => value / work[i]![i]!);
    for (let k = 0; k < n; k++) {
      const factor = work[k]![i]!;
      if (k !== i) work[k] = work[k]!.map((value, j) => value - factor * work[i]![j]!);
    }
  }
  return work.map((row) => row.slice(n));
}

/** The sums spelled out, moment by moment. */
function reference(rows: readonly (readonly number[])[], n: number, options: ItemModelOptions): number[][] {
  const zeros = () => Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const [together, past, next] = [zeros(), zeros(), zeros()];
  const mean = rows.flat().length / rows.length;
  for (const row of historiesOf(rows)) {
    const weight = (row.length / mean) ** -options.levelling;
    const add = (matrix: number[][], left: number[], right: number[]) =>
      left.forEach((a, i) => right.forEach((b, j) => (matrix[i]![j]! += weight * a * b)));
    const vector = (heard: typeof row, ageOf: (i: number) => number) => {
      const values = new Array<number>(n).fill(0);
      heard.forEach(({ trackId, strength }, i) => (values[trackId - 1] = strength * options.reach ** ageOf(i)));
      return values;
    };
    add(together, ...([0, 1].map(() => vector(row, () => 0)) as [number[], number[]]));
    for (let t = 0; t + 1 < row.length; t++) {
      const before = vector(row.slice(0, t + 1), (i) => t - i);
      const after = vector(row.slice(t + 1), (i) => i);
      add(past, before, before);
      add(next, before, after);
    }
  }
  const trace = (matrix: number[][]) => matrix.reduce((sum, row, i) => sum + row[i]!, 0);
  const share = (options.order * trace(together)) / trace(past);
  const gram = together.map((row, i) => row.map((x, j) => (1 - options.order) * x + share * past[i]![j]!));
  gram.forEach((row, i) => (row[i]! += options.ridge + (options.dropout / (1 - options.dropout)) * row[i]!));
  const inverse = inverseOf(gram);
  const target = together.map((row, i) => row.map((x, j) => (1 - options.order) * x + share * next[i]![j]!));
  const free = inverse.map((row) => target.map((_, j) => row.reduce((sum, p, k) => sum + p * target[k]![j]!, 0)));
  return free.map((row, i) =>
    row.map((b, j) => (i === j ? 0 : b - (inverse[i]![j]! * free[j]![j]!) / inverse[j]![j]!)),
  );
}

describe('order', () => {
  it.each([
    [0.5, 0.9, 0.5, 0],
    [0.75, 0.6, 0, 0.5],
    [0.25, 1, 1, 0.2],
  ])(
    '[REC8] with share %d, reach %d, levelling %d, dropout %d the weights are those of the sums spelled out',
    (...chosen) => {
      const [order, reach, levelling, dropout] = chosen;
      const rows = drawnRows(30, 12, 7);
      const options = { ...defaultSettings, order, reach, foresight: reach, levelling, dropout, ridge: 2 };
      const trained = dense(trainItemModel(interactionsOf(rows), options, gemm), 12);
      const expected = reference(rows, 12, options);
      for (let i = 0; i < 12; i++) {
        for (let j = 0; j < 12; j++) expect(trained[i]![j]).toBeCloseTo(expected[i]![j]!, 4);
      }
    },
  );

  it('[REC8] is learned if there is any: successors are found, which EASE cannot', () => {
    // Everybody goes round a ring of thirty tracks in one direction, from anywhere: of what is next to a stretch at its
    // two ends, one comes next.
    const random = randomStream(5);
    const rows = Array.from({ length: 300 }, () => {
      const from = Math.floor(random() * 30);
      return Array.from({ length: 5 }, (_, i) => ({ trackId: 1 + ((from + i) % 30), strength: 1 }));
    });
    const { train, cases } = holdOutLast(toInteractions(rows).interactions);
    const of = (settings: Partial<typeof defaultSettings>) => {
      const all = { ...defaultSettings, ridge: 5, ...settings };
      return meanOf(measure(trainItemModel(train, all, gemm), cases, all))['NDCG@10'];
    };
    expect(of({ order: 0.75, recency: 0.7 })).toBeGreaterThan(0.95);
    expect(of({ order: 0, recency: 1 })).toBeLessThan(0.9);
  });

  it('is known if times differ, but not for imported counts', () => {
    const at = (...times: number[]) => times.map((time, i) => ({ trackId: i + 1, strength: 1, at: time }));
    expect(isOrdered([at(1, 2, 3), at(5, 5)])).toBe(true);
    expect(isOrdered([at(1, 1, 1), at(5, 6)])).toBe(false);
    expect(isOrdered([])).toBe(false);
  });
});

describe('search', () => {
  it('[REC9] gives the same settings and metrics each time', () => {
    const interactions = interactionsOf(drawnRows(80, 30, 3));
    const once = () => search(interactions, { ordered: true, seed: 1 }, gemm, () => undefined);
    expect(once()).toEqual(once());
  });

  it('[REC9] excludes heard tracks if they do not recur, and includes them if they do', () => {
    const random = randomStream(2);
    const chosen = (again: number) => {
      const rows = drawnRows(300, 30, 3).map((row) => (random() < again ? [...row, row[row.length - 2]!] : row));
      return search(interactionsOf(rows), { ordered: true, mayRepeat: true, seed: 1 }, gemm, () => undefined).repeats;
    };
    expect(chosen(0)).toBeNull();
    expect(chosen(1)).toBeGreaterThan(0);
  });

  it('[REC9] keeps the defaults if there is nothing to learn', () => {
    for (const rows of [[], [[1]], [[1], [2]]]) {
      const { settings, cases } = search(interactionsOf(rows), { ordered: false, seed: 1 }, gemm, () => undefined);
      expect(settings).toEqual(defaultSettings);
      expect(cases).toBe(0);
    }
  });
});

describe('the input of training', () => {
  it('[REC8] a listener with a million events counts only with the newest thousand tracks', () => {
    const bot = Array.from({ length: 3_000 }, (_, i) => ({ trackId: i + 1, strength: 1 }));
    const { ids, interactions } = toInteractions([bot, bot.slice(0, 2)]);
    expect(interactions.items).toHaveLength(1_002);
    expect(ids).toHaveLength(1_002);
  });

  it('[REC8] NaN is a clear error', () => {
    const { interactions } = toInteractions([
      [
        { trackId: 1, strength: NaN },
        { trackId: 2, strength: 1 },
      ],
    ]);
    for (const order of [0, 0.5]) {
      expect(() => trainItemModel(interactions, { ...defaultSettings, order }, gemm)).toThrow(RangeError);
    }
  });

  it('[REC8] a repeated track counts once, where it was heard last', () => {
    const options = { ...defaultSettings, order: 0.5, ridge: 3 };
    const again = interactionsOf([
      [1, 2, 1, 3],
      [3, 2],
      [2, 1, 2],
    ]);
    const once = interactionsOf([
      [2, 1, 3],
      [3, 2],
      [1, 2],
    ]);
    expect(trainItemModel(again, options, gemm)).toEqual(trainItemModel(once, options, gemm));
  });
});

describe('blocks', () => {
  const options = { ...defaultSettings, order: 0.5, ridge: 3, dropout: 0.2 };

  /** Two tastes that share nothing: one has heard the first twenty tracks, the other the last. */
  const apart = interactionsOf([
    ...drawnRows(80, 20, 4),
    ...drawnRows(80, 20, 5).map((row) => row.map((id) => id + 20)),
  ]);

  it('[REC8] [REC18] give the weights of the whole if related items fit into one', () => {
    const whole = dense(trainItemModel(apart, options, gemm), 40);
    const blocks = dense(trainInBlocks(apart, { ...options, largestSystem: 22 }, gemm)[0]!, 40);
    for (let i = 0; i < 40; i++) {
      for (let j = 0; j < 40; j++) expect(blocks[i]![j]).toBeCloseTo(whole[i]![j]!, 4);
    }
  });

  it('[REC8] [REC18] that are smaller find nearly what the whole finds', () => {
    const random = randomStream(5);
    const ring = Array.from({ length: 400 }, () => {
      const from = Math.floor(random() * 60);
      return Array.from({ length: 5 }, (_, i) => 1 + ((from + i) % 60));
    });
    const { train, cases } = holdOutLast(interactionsOf(ring));
    const of = (largestSystem: number) => {
      const rows = trainItemModel(train, { ...options, largestSystem }, gemm);
      return meanOf(measure(rows, cases, { recency: 0.9 }))['NDCG@10'];
    };
    expect(of(30)).toBeGreaterThan(0.9 * of(60));
    expect(of(60)).toBeGreaterThan(0.5);
  });

  it('[REC8] [REC18] have weights for every track, as many as requested', () => {
    const [rows] = trainInBlocks(
      interactionsOf(drawnRows(90, 70, 4)),
      { ...options, largestSystem: 64, entries: 0 },
      gemm,
    );
    const spokenFor = new Counter<number>();
    for (const column of rows!.columns) spokenFor.add(column);
    expect(spokenFor.size).toBe(70);
    expect(Math.max(...spokenFor.values())).toBe(50);
  });

  it('[REC8] [REC18] refuse NaN like the whole', () => {
    const broken = { ...apart, values: apart.values.map((value, at) => (at === 3 ? NaN : value)) };
    expect(() => trainInBlocks(broken, { ...options, largestSystem: 20 }, gemm)).toThrow(RangeError);
  });

  it('consist of tracks that the same people hear', () => {
    const groups = groupItems(apart, 20).map((group) => [...group].sort((a, b) => a - b));
    const first = Array.from({ length: 20 }, (_, i) => i);
    expect(groups.sort((a, b) => a[0]! - b[0]!)).toEqual([first, first.map((i) => i + 20)]);
  });
});

describe('a sample', () => {
  const rows = Array.from({ length: 8 }, (_, taste) =>
    drawnRows(40, 16, taste).map((row) => row.map((id) => id + 16 * taste)),
  ).flat();
  const all = interactionsOf(rows);

  it('[REC9] of few is complete', () => {
    expect(sample(all, { items: 128, pairs: 1e9 }, 1)).toEqual({ interactions: all, share: 1 });
  });

  it('[REC9] of many has whole groups of tracks with all listeners who heard two of them', () => {
    const { interactions, share } = sample(all, { items: 64, pairs: 1e9 }, 1);
    expect(share).toBe(1);
    expect(interactions.itemCount).toBe(64);
    const lengths = Array.from(
      { length: interactions.starts.length - 1 },
      (_, u) => interactions.starts[u + 1]! - interactions.starts[u]!,
    );
    expect(Math.min(...lengths)).toBe(2);
    expect(lengths.length).toBeGreaterThan(rows.length / 2);
  });

  it('[REC9] of too many events has a share of the listeners', () => {
    const { interactions, share } = sample(all, { items: 128, pairs: 3_000 }, 1);
    const pairs = Array.from({ length: interactions.starts.length - 1 }, (_, u) => {
      const length = interactions.starts[u + 1]! - interactions.starts[u]!;
      return (length * (length + 1)) / 2;
    }).reduce((a, b) => a + b, 0);
    expect(share).toBeLessThan(0.5);
    expect(pairs).toBeGreaterThan(2_000);
    expect(pairs).toBeLessThan(4_000);
  });
});
