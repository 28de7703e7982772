import { afterAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { Gemm } from '../../../src/ml/gemm.ts';
import { explain } from '../../../src/recommend/explain/explanation.ts';
import { Telling } from '../../../src/recommend/explain/telling.ts';
import type { SparseRows, TimeScale } from '../../../src/recommend/math/sparse-rows.ts';
import { Neighbours } from '../../../src/recommend/model/neighbours.ts';
import type { ItemWeights } from '../../../src/recommend/model/weights.ts';
import { Ranking } from '../../../src/recommend/ranking/ranking.ts';
import type { Scores } from '../../../src/recommend/ranking/scores.ts';
import { Workspace } from '../../../src/recommend/ranking/workspace.ts';
import type { Reaction } from '../../../src/recommend/taste/strengths.ts';
import { toInteractions } from '../../../src/recommend/train/interactions.ts';
import { type ItemModelOptions, trainItemModel } from '../../../src/recommend/train/item-model/item-model.ts';
import { meanOf, measure, qualityOf } from '../../../src/recommend/train/quality/accuracy.ts';
import { Scorer } from '../../../src/recommend/train/quality/scorer.ts';
import { defaultSettings, search } from '../../../src/recommend/train/settings-search.ts';
import { snapshotOf } from '../../support/recommend/snapshots.ts';

const gemm = new Gemm();
afterAll(() => gemm[Symbol.dispose]());

const interactionsOf = (rows: readonly (readonly number[])[]) =>
  toInteractions(rows.map((row) => row.map((trackId) => ({ trackId, strength: 1 })))).interactions;

/** Histories of distinct tracks from 1 on, drawn. */
function drawnRows(listeners: number, tracks: number, length: number, seed: number): number[][] {
  const random = randomStream(seed);
  return Array.from({ length: listeners }, () => {
    const left = Array.from({ length: tracks }, (_, i) => i + 1);
    return Array.from({ length }, () => left.splice(Math.floor(random() * left.length), 1)[0]!);
  });
}

function dense({ starts, columns, values }: SparseRows): number[][] {
  const n = starts.length - 1;
  return Array.from({ length: n }, (_, i) => {
    const row = new Array<number>(n).fill(0);
    for (let at = starts[i]!; at < starts[i + 1]!; at++) row[columns[at]!] = values[at]!;
    return row;
  });
}

/** Each scale's weights by the sums spelled out, moment by moment. */
function reference(rows: readonly (readonly number[])[], n: number, options: ItemModelOptions): number[][][] {
  const decays = [options.reach, ...options.faster];
  const size = decays.length * n;
  const zeros = (columns: number) => Array.from({ length: size }, () => new Array<number>(columns).fill(0));
  const [together, past, next] = [zeros(n), zeros(size), zeros(n)];
  const mean = rows.flat().length / rows.length;
  for (const row of rows) {
    const weight = (row.length / mean) ** -options.levelling;
    for (const a of row) for (const b of row) together[a - 1]![b - 1]! += weight;
    for (let t = 0; t + 1 < row.length; t++) {
      const features = new Array<number>(size).fill(0);
      decays.forEach((decay, s) => row.slice(0, t + 1).forEach((a, i) => (features[s * n + a - 1] = decay ** (t - i))));
      const later = new Array<number>(n).fill(0);
      row.slice(t + 1).forEach((b, i) => (later[b - 1] = options.foresight ** i));
      features.forEach((a, i) => {
        features.forEach((b, j) => (past[i]![j]! += weight * a * b));
        later.forEach((b, j) => (next[i]![j]! += weight * a * b));
      });
    }
  }
  const traceOf = (matrix: number[][]) => matrix.slice(0, n).reduce((sum, row, i) => sum + row[i]!, 0);
  const share = (options.order * traceOf(together)) / traceOf(past);
  const gram = past.map((row, i) =>
    row.map((x, j) => share * x + (i < n && j < n ? (1 - options.order) * together[i]![j]! : 0)),
  );
  gram.forEach((row, i) => (row[i]! += options.ridge * (i < n ? 1 : options.fasterRidge)));
  const inverse = inverseOf(gram);
  const target = next.map((row, i) => row.map((x, j) => share * x + (1 - options.order) * together[i]![j]!));
  const free = inverse.map((row) => next[0]!.map((_, j) => row.reduce((sum, p, k) => sum + p * target[k]![j]!, 0)));
  const all = free.map((row, i) =>
    row.map((b, j) => (i % n === j ? 0 : b - (inverse[i]![j]! * free[j]![j]!) / inverse[j]![j]!)),
  );
  return decays.map((_, s) => all.slice(s * n, (s + 1) * n));
}

function inverseOf(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const work = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    const pivot = work[i]![i]!;
    work[i] = work[i]!.map((value) => value / pivot);
    for (let k = 0; k < n; k++) {
      const factor = work[k]![i]!;
      if (k !== i) work[k] = work[k]!.map((value, j) => value - factor * work[i]![j]!);
    }
  }
  return work.map((row) => row.slice(n));
}

const scalesIn = ({ faster, ...slowest }: ReturnType<typeof trainItemModel>) => [slowest, ...faster].map(dense);

function expectClose(actual: readonly number[][][], expected: readonly number[][][]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((matrix, s) =>
    matrix.forEach((row, i) => row.forEach((value, j) => expect(actual[s]![i]![j]).toBeCloseTo(value, 4))),
  );
}

describe('several scales of time', () => {
  const options = {
    ...defaultSettings,
    order: 0.6,
    reach: 0.95,
    foresight: 0,
    faster: [0.3],
    ridge: 2,
    fasterRidge: 0.5,
  };

  it.each([
    { foresight: 0 },
    { foresight: 0.7, fasterRidge: 3, levelling: 1 },
    { order: 0.97, reach: 0.8, faster: [0.5, 0.1] },
    { faster: [0], levelling: 0 },
  ])('[REC8] [REC20] are solved as one system: the weights are those of the sums spelled out (%j)', (change) => {
    const chosen = { ...options, ...change };
    const rows = drawnRows(30, 12, 6, 7);
    expectClose(scalesIn(trainItemModel(interactionsOf(rows), chosen, gemm)), reference(rows, 12, chosen));
  });

  it('[REC8] [REC18] are the same from blocks if related items fit into one', () => {
    const apart = interactionsOf([
      ...drawnRows(80, 20, 8, 4),
      ...drawnRows(80, 20, 8, 5).map((row) => row.map((id) => id + 20)),
    ]);
    const whole = scalesIn(trainItemModel(apart, options, gemm));
    expectClose(scalesIn(trainItemModel(apart, { ...options, largestSystem: 44 }, gemm)), whole);
  });

  it('[REC8] NaN is a clear error, in one system and in blocks', () => {
    const { values, ...rest } = interactionsOf(drawnRows(40, 30, 5, 1));
    const broken = { ...rest, values: values.map((value, at) => (at === 3 ? NaN : value)) };
    for (const largestSystem of [80, 30]) {
      expect(() => trainItemModel(broken, { ...options, largestSystem }, gemm)).toThrow(RangeError);
    }
  });
});

/** Histories of one kind, from a seed. */
const KINDS: Readonly<Record<string, (seed: number) => number[][]>> = {
  /** After two tracks in five comes their one successor; otherwise, more often than not, one of the listener's taste. */
  ordered: (seed) =>
    walks(seed, 400, 24, ({ random, u, last }) => {
      if (last !== null && random() < 0.4) return (last * 7 + 3) % 200;
      const any = Math.floor(random() * 200);
      return random() < 0.6 ? any - (any % 10) + (u % 10) : any;
    }),
  /** Tastes and nothing else. */
  unordered: (seed) =>
    walks(seed, 400, 14, ({ random, u }) => {
      const any = Math.floor(random() * 120);
      return random() < 0.7 ? any - (any % 8) + (u % 8) : any;
    }),
  /** Stretches of five tracks of one mood, of twenty; a listener has three of them. */
  sessions: (seed) =>
    walks(seed, 400, 20, ({ random, u, length }) => {
      const mood = (u * 3 + ((Math.floor(length / 5) * 7) % 3)) % 20;
      return random() < 0.85 ? mood * 10 + Math.floor(random() * 10) : Math.floor(random() * 200);
    }),
  /** Every third track is one of those heard lately, again. */
  repeats: (seed) =>
    walks(
      seed,
      400,
      18,
      ({ random, u, heard }) => {
        const again = heard.at(-1 - Math.floor(random() * 3));
        if (again !== undefined && random() < 0.33) return again - 1;
        const any = Math.floor(random() * 150);
        return random() < 0.5 ? any - (any % 10) + (u % 10) : any;
      },
      true,
    ),
};

interface Walker {
  random: () => number;
  u: number;
  last: number | null;
  length: number;
  heard: readonly number[];
}

function walks(
  seed: number,
  listeners: number,
  length: number,
  nextOf: (walker: Walker) => number,
  mayRepeat = false,
): number[][] {
  return Array.from({ length: listeners }, (_, u) => {
    const random = randomStream(seed * 10_000 + u);
    const heard: number[] = [];
    for (let tries = 0; heard.length < length && tries < 500; tries++) {
      const last = heard.at(-1);
      const track = 1 + nextOf({ random, u, last: last === undefined ? null : last - 1, length: heard.length, heard });
      if (mayRepeat || !heard.includes(track)) heard.push(track);
    }
    return heard;
  });
}

describe('choosing them', () => {
  const searched = (rows: readonly (readonly number[])[]) =>
    search(interactionsOf(rows), { ordered: true, seed: 1 }, gemm, () => undefined).settings;

  /** What one scale can do: what is heard together, the same with a decay, and what comes next. */
  const PLAIN = [
    { order: 0, recency: 1 },
    { order: 0, recency: 0.9 },
    { order: 0.99, reach: 0.8, recency: 0.8, foresight: 0, levelling: 0 },
  ];

  it.each(Object.keys(KINDS))(
    '[REC9] [REC20] is not worse than the best of one scale on data of the kind “%s”',
    (kind) => {
      const rows = KINDS[kind]!(1);
      const train = rows.map((row) => row.slice(0, -1));
      const cases = rows.map((row) => {
        const items = Uint32Array.from(row.slice(0, -1), (id) => id - 1);
        return { items, values: new Float32Array(items.length).fill(1), targets: [row.at(-1)! - 1] };
      });
      // Each track's number is its id less one.
      const tracks = Array.from({ length: Math.max(...rows.flat()) }, (_, i) => i + 1);
      const interactions = interactionsOf([...train, tracks]);
      const qualityWith = (settings: Partial<typeof defaultSettings>) => {
        const all = { ...defaultSettings, ...settings };
        return qualityOf(meanOf(measure(trainItemModel(interactions, all, gemm), cases, all)));
      };
      const plain = PLAIN.flatMap((one) => [5, 50].map((ridge) => qualityWith({ ...one, ridge })));
      const chosen = searched(train);
      expect(qualityWith(chosen)).toBeGreaterThan(0.97 * Math.max(...plain));
      if (kind === 'ordered') expect(chosen.faster).not.toEqual([]);
    },
  );

  it.each([3, 4])('[REC9] leaves them out if order is random (%i)', (seed) => {
    expect(searched(drawnRows(300, 40, 10, seed)).faster).toEqual([]);
  });
});

describe('scoring with them', () => {
  /** Track 0 speaks for 2 and 1 for 3, both as much; after 0 comes 4, after 1 comes 5, and 5 more than 3 does. */
  const rows: SparseRows = {
    starts: Uint32Array.of(0, 1, 2, 2, 2, 2, 2),
    columns: Uint32Array.of(2, 3),
    values: Float32Array.of(0.5, 0.5),
  };
  const next: TimeScale = {
    decay: 0,
    starts: Uint32Array.of(0, 1, 2, 2, 2, 2, 2),
    columns: Uint32Array.of(4, 5),
    values: Float32Array.of(0.75, 0.75),
  };
  const heard = (...items: number[]) => ({ items: Uint32Array.from(items), values: Float32Array.from(items, () => 1) });

  it('[REC9] only the newest track counts, and without it the one before', () => {
    const scorer = new Scorer({ ...rows, faster: [next] }, { recency: 1 });
    expect([...scorer.best(heard(0, 1))].slice(0, 4)).toEqual([5, 2, 3, 4]);
    expect([...scorer.best(heard(1, 0))].slice(0, 4)).toEqual([4, 2, 3, 5]);
    expect(scorer.mainReasons(heard(0, 1), [2, 3, 4, 5])).toEqual([0, 1, null, 1]);
    expect(scorer.positionsOf(heard(0), [4])).toEqual([0]);
    const targets = (...items: number[]) => ({ ...heard(...items), targets: [4] });
    const found = measure({ ...rows, faster: [next] }, [targets(1, 0), targets(0, 1)], { recency: 1 });
    expect(found.map((one) => one['NDCG@10'])).toEqual([1, 1 / Math.log2(5)]);
  });

  it('[REC9] [REC20] an unknown track has no effect, and neither has a negative reaction', () => {
    const scorer = new Scorer({ ...rows, faster: [next] }, { recency: 1 });
    expect([...scorer.best(heard(0, 6))].slice(0, 2)).toEqual([2, 1]);
    const slower = new Scorer({ ...rows, faster: [{ ...next, decay: 0.9 }] }, { recency: 1 });
    // An unknown track is one since, and a negative one is not: .9 · .75 is more than .5.
    expect([...slower.best(heard(0, 6))].slice(0, 2)).toEqual([4, 2]);
    const disliked = { items: Uint32Array.of(0, 1), values: Float32Array.of(1, -1) };
    expect([...scorer.best(disliked)][0]).toBe(4);
  });
});

describe('serving with them', () => {
  const TRACKS = 40;
  const snapshot = snapshotOf({
    tracks: Array.from({ length: TRACKS }, (_, i) => ({
      ...{ id: 100 - i, title: `T${i}`, artistId: i, releaseYear: null, durationMs: null, explicit: false },
      ...{ popularity: (i % 5) / 5, recentListeners: 0, allTimeListeners: null, rejecters: 0, withdrawn: false },
    })),
    artists: Array.from({ length: TRACKS }, (_, id) => ({ id, name: `A${id}` })),
    ...{ genres: [], trackGenres: [], trackTags: [] },
  });
  const idAt = (index: number) => snapshot.tracks[index]!.id;
  /** Of the first thirty tracks; the last ten have been added since. */
  const trained = Float64Array.from({ length: 30 }, (_, index) => idAt(index));
  const settings = {
    ...defaultSettings,
    order: 0.8,
    reach: 0.9,
    recency: 0.9,
    faster: [0.6, 0],
    foresight: 0,
    ridge: 5,
  };
  const model = trainItemModel(interactionsOf(drawnRows(120, 30, 8, 2)), settings, gemm);
  const weights: ItemWeights = { ids: trained, ...model, recency: 0.9, content: null };
  const neighbours = new Neighbours('v', snapshot, weights);
  const plain = new Neighbours('v', snapshot, { ...weights, faster: [] });
  const matrices = model.faster.map(dense);
  /** What faster scales say of a track after which so many were liked. */
  const fasterOf = (index: number, other: number, age: number) =>
    index < 30 && other < 30
      ? matrices.reduce((sum, matrix, s) => sum + settings.faster[s]! ** age * matrix[index]![other]!, 0)
      : 0;
  function rankingOf(history: readonly Reaction[], of = neighbours): Ranking {
    const asked = { genres: [], artistIds: [], tags: [], text: null, contextText: null, seedTrackIds: [] };
    const serving = { snapshot, neighbours: of, workspace: new Workspace() };
    const taste = { history, ...asked, allowExplicit: true };
    return new Ranking(serving, { taste, filter: null, includeHeard: true });
  }
  const reaction = (index: number, at: number, strength = 1): Reaction => ({
    ...{ trackId: idAt(index), at, plays: 1, strength },
    kind: strength > 0 ? 'LIKE' : 'DISLIKE',
  });
  const indices = Array.from({ length: TRACKS }, (_, index) => index);
  const scoresIn = (scores: Scores) => indices.map((index) => scores.scoreOf(index));
  const scoresOf = (ranking: Ranking) => ranking.withScores(scoresIn);

  it('[REC1] [REC2] sums and counterfactuals are exact, with one term per event, for 60 random histories', () => {
    const random = randomStream(21);
    for (let round = 0; round < 60; round++) {
      const heard = drawnRows(1, TRACKS, 1 + Math.floor(random() * 6), round)[0]!.map((id) => id - 1);
      const strengths = [1, 0.4, -0.3, -1];
      const history = heard.map((index, i) => reaction(index, 50 - i, strengths[Math.floor(random() * 4)]));
      const ranking = rankingOf(history);
      const scores = ranking.scores();
      for (const index of indices) {
        const reasons = ranking.contributions(index);
        const sum = reasons.reduce((total, { value }) => total + value, ranking.baseline);
        expect(Math.abs(sum - scores.scoreOf(index))).toBeLessThan(1e-9);
        const events = reasons.flatMap(({ source }) => (source.kind === 'history' ? [source.trackId] : []));
        expect(new Set(events).size).toBe(events.length);
      }
      const cited = indices.flatMap((index) => ranking.contributions(index)).map(({ source }) => source);
      for (const gone of history) {
        const source = cited.find((one) => one.kind === 'history' && one.trackId === gone.trackId);
        if (!source) continue;
        const rest = history.filter((one) => one !== gone);
        expect(scoresIn(ranking.without(source))).toEqual(scoresOf(rankingOf(rest)));
      }
    }
  });

  it('[REC8] [REC20] a like speaks in each scale, less with every like since, and not less with other reactions', () => {
    for (const history of [
      [reaction(3, 9), reaction(8, 8)],
      [reaction(5, 10, -1), reaction(3, 9), reaction(8, 8)],
    ]) {
      const against = history.filter(({ strength }) => strength < 0);
      const [more, less] = [scoresOf(rankingOf(history)), scoresOf(rankingOf(history, plain))];
      const [no, noLess] = [scoresOf(rankingOf(against)), scoresOf(rankingOf(against, plain))];
      indices.forEach((index) => {
        const said = fasterOf(3, index, 0) + fasterOf(8, index, 1);
        expect(more[index]! - less[index]!).toBeCloseTo(said + no[index]! - noLess[index]!, 9);
      });
    }
    expect(Math.max(...indices.map((index) => fasterOf(3, index, 0)))).toBeGreaterThan(0.01);
  });

  it('[REC15] [REC20] a track unknown to training says nothing in a faster scale', () => {
    const history = [reaction(35, 9)];
    expect(scoresOf(rankingOf(history))).toEqual(scoresOf(rankingOf(history, plain)));
  });

  it('[REC11] of simultaneous likes the first in the catalogue is the newest, whatever their order', () => {
    const [one, other] = [reaction(3, 9), reaction(8, 9)];
    const [first, second] = [rankingOf([one, other]), rankingOf([other, one])].map(scoresOf);
    expect(first).toEqual(second);
    expect(first).toEqual(scoresOf(rankingOf([reaction(3, 10), reaction(8, 9)])));
  });

  it('[REC14] [REC22] a like raises all similar tracks by its own term, and a negative reaction raises nothing', () => {
    for (const index of indices) {
      const { indices: near } = neighbours.near(index);
      const [yes, no] = [1, -1].map((strength) => {
        const ranking = rankingOf([reaction(index, 9, strength)]);
        return (other: number) =>
          ranking
            .contributions(other)
            .reduce((sum, { source, value }) => sum + (source.kind === 'history' ? value : 0), 0);
      });
      for (const other of near) {
        expect(yes!(other)).toBeGreaterThan(0);
        expect(no!(other)).toBeLessThan(0);
      }
      for (const other of indices) expect(no!(other)).toBeLessThanOrEqual(0);
    }
  });

  it('[REC3] [REC24] a reason says that a track was heard lately, where that is most of it', () => {
    const [heard, speaks] = indices
      .slice(0, 30)
      .flatMap((index) => indices.map((other) => [index, other] as const))
      .find(([index, other]) => fasterOf(index, other, 0) > 2 * Math.abs(dense(model)[index]?.[other] ?? 0))!;
    const reasonIn = (history: readonly Reaction[]) => {
      const explanation = explain(rankingOf(history), speaks, new Telling('test', 'x'));
      return explanation.reasons.find((one) => one.kind === 'history' && one.trackId === idAt(heard))!;
    };
    const now = reasonIn([reaction(heard, 9)]);
    expect(now.summary('EN')).toMatch(/^You just heard “T\d+” by A\d+, after which others play it\.$/);
    expect(now.summary('ZH')).toMatch(/^你刚刚听了A\d+ 的《T\d+》，其后也有人听它。$/);
    const since = indices.filter((index) => index !== heard).slice(0, 12);
    const long = reasonIn([...since.map((index, i) => reaction(index, 50 - i)), reaction(heard, 9)]);
    expect(long.summary('EN')).toMatch(/^You liked /);
  });
});
