import { afterAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { Gemm } from '../../../src/ml/gemm.ts';
import { invertSymmetric, SymmetricMatrix } from '../../../src/recommend/math/linear-algebra.ts';
import { parseWeights, serialiseWeights } from '../../../src/recommend/model/weights.ts';
import { type Interactions, readHistories } from '../../../src/recommend/train/interactions.ts';
import { type ItemModelOptions, trainItemModel } from '../../../src/recommend/train/item-model/item-model.ts';
import { meanOf, measure } from '../../../src/recommend/train/quality/accuracy.ts';
import { defaultSettings } from '../../../src/recommend/train/settings-search.ts';
import { numberCases } from '../../../src/recommend/train/train-weights.ts';
import { holdOutTargets } from '../../../src/recommend/versions/version-training.ts';

const gemm = new Gemm();
afterAll(() => gemm[Symbol.dispose]());

/** Without order and with all listeners alike: EASE. */
const trainEase = (interactions: Interactions, options: Partial<ItemModelOptions>) =>
  trainItemModel(interactions, { ...defaultSettings, order: 0, levelling: 0, ...options }, gemm);

/** Rows of listeners over items, each cell filled with the same probability. */
function randomInteractions(listeners: number, itemCount: number, seed: number): Interactions {
  const random = randomStream(seed);
  const starts = new Uint32Array(listeners + 1);
  const items: number[] = [];
  const values: number[] = [];
  for (let u = 0; u < listeners; u++) {
    for (let i = 0; i < itemCount; i++) {
      if (random() >= 0.3) continue;
      items.push(i);
      values.push(0.2 + 0.8 * random());
    }
    starts[u + 1] = items.length;
  }
  return { itemCount, starts, items: Uint32Array.from(items), values: Float32Array.from(values) };
}

/** The textbook formula, with Gauss–Jordan elimination for the inverse. */
function reference({ itemCount: n, starts, items, values }: Interactions, ridge: number, dropout: number): number[][] {
  const gram = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let a = starts[u]!; a < starts[u + 1]!; a++) {
      for (let b = starts[u]!; b < starts[u + 1]!; b++) gram[items[a]!]![items[b]!]! += values[a]! * values[b]!;
    }
  }
  gram.forEach((row, i) => (row[i]! += ridge + (dropout / (1 - dropout)) * row[i]!));
  const work = gram.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    const pivot = work[i]![i]!;
    work[i] = work[i]!.map((value) => value / pivot);
    for (let k = 0; k < n; k++) {
      const factor = work[k]![i]!;
      if (k !== i) work[k] = work[k]!.map((value, j) => value - factor * work[i]![j]!);
    }
  }
  const inverse = work.map((row) => row.slice(n));
  return inverse.map((row, i) => row.map((value, j) => (i === j ? 0 : -value / inverse[j]![j]!)));
}

function dense(rows: ReturnType<typeof trainEase>, n: number): number[][] {
  return Array.from({ length: n }, (_, i) => {
    const row = new Array<number>(n).fill(0);
    for (let at = rows.starts[i]!; at < rows.starts[i + 1]!; at++) row[rows.columns[at]!] = rows.values[at]!;
    return row;
  });
}

describe('EASE', () => {
  it.each([
    ['more listeners than items', 60, 25],
    ['more items than listeners', 12, 40],
    ['as many of both', 20, 20],
  ])('[REC8] gives the textbook weights with %s', (_, listeners, items) => {
    const interactions = randomInteractions(listeners, items, 5);
    for (const dropout of [0, 0.4]) {
      const trained = dense(trainEase(interactions, { ridge: 3, dropout, entries: 1e6 }), items);
      const expected = reference(interactions, 3, dropout);
      for (let i = 0; i < items; i++) {
        for (let j = 0; j < items; j++) expect(trained[i]![j]).toBeCloseTo(expected[i]![j]!, 5);
      }
    }
  });

  it('[REC8] keeps the weights furthest from 0 if not all fit', () => {
    const interactions = randomInteractions(40, 120, 9);
    const whole = dense(trainEase(interactions, { ridge: 3, entries: 1e6 }), 120);
    const cut = dense(trainEase(interactions, { ridge: 3, entries: 120 * 60 }), 120);
    for (let i = 0; i < 120; i++) {
      const least = whole[i]!.map(Math.abs).sort((a, b) => b - a)[59]!;
      cut[i]!.forEach((value, j) => expect(value).toBe(Math.abs(whole[i]![j]!) >= least ? whole[i]![j] : 0));
    }
  });

  it('[REC8] answers with finite weights for one listener, one item, or the same history for all', () => {
    const all = (listeners: number, itemCount: number): Interactions => ({
      itemCount,
      starts: Uint32Array.from({ length: listeners + 1 }, (_, u) => u * itemCount),
      items: Uint32Array.from({ length: listeners * itemCount }, (_, at) => at % itemCount),
      values: new Float32Array(listeners * itemCount).fill(1),
    });
    for (const [listeners, items] of [
      [1, 1],
      [1, 5],
      [5, 1],
      [30, 8],
    ] as const) {
      const { values } = trainEase(all(listeners, items), { ridge: 50, entries: 1e6 });
      expect([...values].every(Number.isFinite)).toBe(true);
    }
  });

  it('inverts matrices of any size, whole blocks or not', () => {
    for (const n of [1, 2, 3, 4, 5, 8, 11, 34, 256, 257, 600]) {
      const [matrix, inverse] = [new SymmetricMatrix(n), new SymmetricMatrix(n)];
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          const value = i === j ? n + 1 : Math.cos(i + j);
          matrix.add(i, j, value);
          inverse.add(i, j, value);
        }
      }
      invertSymmetric(inverse, gemm);
      const some = Array.from({ length: n }, (_, i) => i).filter((i) => n < 50 || i % 37 === 0);
      for (const i of some) {
        for (const j of some) {
          let sum = 0;
          for (let k = 0; k < n; k++) sum += matrix.at(i, k) * inverse.at(k, j);
          expect(sum).toBeCloseTo(i === j ? 1 : 0, 10);
        }
      }
    }
  });

  it('a matrix that is not positive definite, NaN included, is refused', () => {
    const of = (n: number, ...values: number[]) => {
      const matrix = new SymmetricMatrix(n);
      for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) matrix.add(i, j, values[i * n + j]!);
      return matrix;
    };
    expect(() => invertSymmetric(of(2, 1, 2, 2, 1), gemm)).toThrow(RangeError);
    expect(() => invertSymmetric(of(1, NaN), gemm)).toThrow(RangeError);
  });
});

describe('weights as bytes', () => {
  const weights = {
    ids: Float64Array.of(3, 2 ** 40, 9),
    starts: Uint32Array.of(0, 2, 2, 3),
    columns: Uint32Array.of(1, 2, 0),
    values: Float32Array.of(0.5, -0.25, 1),
    recency: 0.97,
    faster: [
      {
        decay: 0.8,
        starts: Uint32Array.of(0, 0, 1, 1),
        columns: Uint32Array.of(2),
        values: Float32Array.of(0.125),
      },
      {
        decay: 0.3,
        starts: Uint32Array.of(0, 2, 2, 2),
        columns: Uint32Array.of(0, 1),
        values: Float32Array.of(-0.5, 0.75),
      },
    ],
    content: {
      names: ['g:jazz', 't:höhle 洞'],
      starts: Uint32Array.of(0, 1, 2),
      columns: Uint32Array.of(1, 0),
      values: Float32Array.of(0.25, -1),
    },
  };

  it('survive serialisation', () => {
    const bytes = serialiseWeights(weights);
    // A slice at an odd offset, as a driver hands it over.
    expect(parseWeights(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3))).toEqual(weights);
    for (const without of [{ content: null }, { faster: [] }, { content: null, faster: [] }]) {
      expect(parseWeights(serialiseWeights({ ...weights, ...without }))).toEqual({ ...weights, ...without });
    }
  });

  it('of earlier formats are read correctly', () => {
    const { content, recency, ...rows } = { ...weights, faster: [] };
    // The number of its weights for the newest liked track, where the number of scales is now, and no table of scales.
    const [scale] = weights.faster;
    const fourth = serialiseWeights({ ...weights, faster: [scale!] });
    const withNext = Buffer.concat([fourth.subarray(0, 40), fourth.subarray(56)]);
    withNext.writeUInt32LE(4, 4);
    withNext.writeUInt32LE(scale!.columns.length, 36);
    expect(parseWeights(withNext)).toEqual({ ...weights, faster: [{ ...scale, decay: 0 }] });
    const third = serialiseWeights({ ...rows, recency, content });
    third.writeUInt32LE(3, 4);
    expect(parseWeights(third)).toEqual({ ...rows, recency, content });
    const bytes = serialiseWeights({ ...rows, recency, content: null });
    // Without the counts of features, and without what an empty list of them takes.
    const second = Buffer.concat([bytes.subarray(0, 24), bytes.subarray(40, -4)]);
    second.writeUInt32LE(2, 4);
    expect(parseWeights(second)).toEqual({ ...rows, recency, content: null });
    const first = Buffer.concat([bytes.subarray(0, 16), bytes.subarray(40, -4)]);
    first.writeUInt32LE(1, 4);
    expect(parseWeights(first)).toEqual({ ...rows, recency: 1, content: null });
  });

  it('of another format, or truncated, are refused', () => {
    const bytes = serialiseWeights(weights);
    expect(() => parseWeights(bytes.subarray(0, -4))).toThrow('not recommender weights');
    const sixth = Buffer.from(bytes);
    sixth.writeUInt32LE(6, 4);
    expect(() => parseWeights(sixth)).toThrow('not recommender weights');
    expect(() => parseWeights(Buffer.alloc(100))).toThrow('not recommender weights');
  });
});

describe('evaluation', () => {
  it('[REC9] computes the metrics of a hand-computed case', () => {
    // Having heard 1, the scores are: 2 → 0.9, 3 → 0.8, 4 → 0.7.
    const rows = {
      starts: Uint32Array.of(0, 3, 3, 3, 3),
      columns: Uint32Array.of(1, 2, 3),
      values: Float32Array.of(0.9, 0.8, 0.7),
    };
    const history = [{ trackId: 1, strength: 1 }];
    const cases = numberCases(
      [1, 2, 3, 4],
      [
        { history, targets: [3] },
        { history, targets: [99] },
      ],
    );
    const metrics = meanOf(measure(rows, cases, { recency: 1 }));
    expect(metrics).toEqual({
      'HR@10': 0.5,
      'NDCG@10': 0.5 / Math.log2(3),
      'Recall@20': 0.5,
      'NDCG@20': 0.5 / Math.log2(3),
    });
  });

  it('[REC9] [EVAL3] reports the share of the targets that is found, and ranks the more heard first among equals', () => {
    const rows = { starts: new Uint32Array(31), columns: new Uint32Array(), values: new Float32Array() };
    const counts = Array.from({ length: 30 }, (_, item) => item);
    const cases = [{ items: Uint32Array.of(29), values: Float32Array.of(1), targets: [28, 9, 8, 0] }];
    // The twenty most heard but the one that is known: 28 … 9.
    expect(measure(rows, cases, { recency: 1, counts })[0]).toMatchObject({ 'HR@10': 1, 'Recall@20': 0.5 });
  });

  it('[REC9] finds heard tracks only if they may recur', () => {
    const rows = { starts: new Uint32Array(31), columns: new Uint32Array(), values: new Float32Array() };
    const cases = [{ items: Uint32Array.of(25, 26, 25), values: Float32Array.of(1, 1, 1), targets: [26] }];
    const of = (repeats: number | null) => measure(rows, cases, { recency: 0.5, repeats })[0]!['NDCG@10'];
    expect(of(null)).toBe(0);
    // After 25, which was heard last.
    expect(of(0.2)).toBeCloseTo(1 / Math.log2(3));
  });

  it('[REC9] draws one of several tracks with the same last time, the same each time', async () => {
    const rows = Array.from({ length: 200 }, (_, u) =>
      [1, 2, 3, 4].map((trackId) => ({ listenerId: u, trackId, kind: 'PLAY' as const, plays: 1, at: 5 })),
    );
    const lastOf = async (batch: typeof rows) => {
      const histories = await readHistories(
        (async function* () {
          for (const one of batch) yield await Promise.resolve(one);
        })(),
      );
      return histories.map((history) => history.at(-1)!.trackId);
    };
    const last = await lastOf(rows);
    for (const trackId of [1, 2, 3, 4]) {
      expect(last.filter((id) => id === trackId).length).toBeGreaterThan(30);
    }
    expect(await lastOf(rows.map((row) => row.toReversed()))).toEqual(last);
  });

  it('[REC9] holds out the last track of every listener with two', () => {
    const of = (...ids: number[]) => ids.map((trackId) => ({ trackId, strength: 1 }));
    const { train, cases } = holdOutTargets([of(1, 2, 3), of(4)]);
    expect(train).toEqual([of(1, 2), of(4)]);
    expect(cases).toEqual([{ history: of(1, 2), targets: [3] }]);
  });
});
