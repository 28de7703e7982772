import { afterAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { Gemm } from '../../src/ml/gemm.ts';
import type { SparseRows } from '../../src/recommend/math/sparse-rows.ts';
import { Neighbours } from '../../src/recommend/model/neighbours.ts';
import type { ItemWeights } from '../../src/recommend/model/weights.ts';
import { Ranking } from '../../src/recommend/ranking/ranking.ts';
import type { Scores } from '../../src/recommend/ranking/scores.ts';
import { Workspace } from '../../src/recommend/ranking/workspace.ts';
import type { Reaction } from '../../src/recommend/taste/strengths.ts';
import { measure } from '../../src/recommend/train/accuracy.ts';
import { toInteractions } from '../../src/recommend/train/interactions.ts';
import { trainItemModel, trainNext } from '../../src/recommend/train/item-model.ts';
import { Scorer } from '../../src/recommend/train/scorer.ts';
import { defaultSettings, search } from '../../src/recommend/train/settings-search.ts';
import { snapshotOf } from '../support/snapshots.ts';

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

const greatestOf = (row: readonly number[]): number => row.indexOf(Math.max(...row));

describe('what comes right after a track', () => {
  const options = { ...defaultSettings, ridge: 20, next: 1 };
  /** Everybody goes round a ring of thirty tracks in one direction: of five, from anywhere. */
  const random = randomStream(5);
  const ring = Array.from({ length: 300 }, () => {
    const from = Math.floor(random() * 30);
    return Array.from({ length: 5 }, (_, i) => 1 + ((from + i) % 30));
  });

  it('[REC8] [REC20] is learned from a chain: each track speaks for its successor, and hardly for others', () => {
    dense(trainNext(interactionsOf(ring), options, gemm)).forEach((row, i) => {
      expect(greatestOf(row)).toBe((i + 1) % 30);
      const said = (steps: number) => row[(i + steps + 30) % 30]! / row[(i + 1) % 30]!;
      expect(said(2)).toBeLessThan(0.5);
      for (const steps of [3, -1, -2, -3]) expect(said(steps)).toBeLessThan(0.1);
    });
  });

  it('[REC8] [REC20] is stored as at most fifty weights per track, the greatest, and none below 0', () => {
    const interactions = interactionsOf(drawnRows(200, 120, 20, 3));
    const rows = trainNext(interactions, options, gemm);
    // The same system with all of its weights, by the ridge of the second.
    const whole = { ...options, order: 0.9, reach: 0.3, ridge: options.ridge / 10, entries: 1e6, next: 0 };
    const all = dense(trainItemModel(interactions, whole, gemm));
    dense(rows).forEach((row, i) => {
      const greatest = all[i]!.filter((value) => value > 1e-6).toSorted((a, b) => b - a);
      expect(row.filter((value) => value !== 0).toSorted((a, b) => b - a)).toEqual(greatest.slice(0, 50));
    });
    expect(Math.max(...dense(rows).map((row) => row.filter((value) => value !== 0).length))).toBe(50);
  });

  it('[REC8] [REC18] is the same from blocks if related items fit into one', () => {
    const apart = interactionsOf([
      ...drawnRows(80, 20, 8, 4),
      ...drawnRows(80, 20, 8, 5).map((row) => row.map((id) => id + 20)),
    ]);
    const whole = dense(trainNext(apart, options, gemm));
    const blocks = trainNext(apart, { ...options, largestSystem: 22 }, gemm);
    dense(blocks).forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(whole[i]![j]!, 4)));
    expect(Math.min(...blocks.values)).toBeGreaterThan(0);
  });

  it('[REC8] [REC20] has the chosen weight, and is absent if that is 0', () => {
    const interactions = interactionsOf(ring);
    const of = (next: number) => trainItemModel(interactions, { ...options, next, rarity: 0.2 }, gemm);
    const { next: none, ...rows } = of(0);
    expect(none).toBeNull();
    const { next: half, ...same } = of(0.5);
    expect(same).toEqual(rows);
    dense(of(1).next!).forEach((row, i) =>
      row.forEach((value, j) => expect(dense(half!)[i]![j]).toBeCloseTo(value / 2, 6)),
    );
  });

  it('[REC8] NaN is a clear error, in one system and in blocks', () => {
    const { values, ...rest } = interactionsOf(ring);
    const broken = { ...rest, values: values.map((value, at) => (at === 3 ? NaN : value)) };
    for (const largestSystem of [40, 20]) {
      expect(() => trainNext(broken, { ...options, largestSystem }, gemm)).toThrow(RangeError);
    }
  });
});

describe('choosing its weight', () => {
  const chosen = (rows: readonly (readonly number[])[]) =>
    search(interactionsOf(rows), { ordered: true, seed: 1 }, gemm, () => undefined).settings;

  it('[REC9] above 0 if the last track predicts the next, and all of them the listener', () => {
    // Two in three tracks are of the listener's taste, of ten; after a track comes, as often as not, its one successor, of
    // whatever taste: no one share of old and new serves both.
    const rows = Array.from({ length: 500 }, (_, u) => {
      const random = randomStream(u);
      const heard: number[] = [];
      for (let tries = 0; heard.length < 16 && tries < 500; tries++) {
        const last = heard.at(-1) ?? 0;
        const any = Math.floor(random() * 200);
        const own = random() < 0.66 ? any - (any % 10) + (u % 10) : any;
        const track = heard.length > 0 && random() < 0.5 ? (last * 7 + 3) % 200 : own;
        if (!heard.includes(track)) heard.push(track);
      }
      return heard.map((track) => track + 1);
    });
    expect(chosen(rows).next).toBeGreaterThan(0);
  });

  it.each([3, 4, 5])('[REC9] 0 if order is random (%i)', (seed) => {
    expect(chosen(drawnRows(300, 40, 10, seed)).next).toBe(0);
  });
});

describe('scoring with it', () => {
  /** Track 0 speaks for 2 and 1 for 3, both as much; after 0 comes 4, after 1 comes 5, and 5 more than 3 does. */
  const rows: SparseRows = {
    starts: Uint32Array.of(0, 1, 2, 2, 2, 2, 2),
    columns: Uint32Array.of(2, 3),
    values: Float32Array.of(0.5, 0.5),
  };
  const next: SparseRows = {
    starts: Uint32Array.of(0, 1, 2, 2, 2, 2, 2),
    columns: Uint32Array.of(4, 5),
    values: Float32Array.of(0.75, 0.75),
  };
  const heard = (...items: number[]) => ({ items: Uint32Array.from(items), values: Float32Array.from(items, () => 1) });

  it('[REC9] only the newest track counts, and without it the one before', () => {
    const scorer = new Scorer({ ...rows, next }, { recency: 1 });
    expect([...scorer.best(heard(0, 1))].slice(0, 4)).toEqual([5, 2, 3, 4]);
    expect([...scorer.best(heard(1, 0))].slice(0, 4)).toEqual([4, 2, 3, 5]);
    expect(scorer.mainReasons(heard(0, 1), [2, 3, 4, 5])).toEqual([0, 1, null, 1]);
    expect(scorer.positionsOf(heard(0), [4])).toEqual([0]);
    const targets = (...items: number[]) => ({ ...heard(...items), targets: [4] });
    const found = measure({ ...rows, next }, [targets(1, 0), targets(0, 1)], { recency: 1 });
    expect(found.map((one) => one['NDCG@10'])).toEqual([1, 1 / Math.log2(5)]);
  });

  it('[REC9] [REC20] an unknown track has no effect, and neither has a negative reaction', () => {
    const scorer = new Scorer({ ...rows, next }, { recency: 1 });
    expect([...scorer.best(heard(0, 6))].slice(0, 2)).toEqual([2, 1]);
    const disliked = { items: Uint32Array.of(0, 1), values: Float32Array.of(1, -1) };
    expect([...scorer.best(disliked)][0]).toBe(4);
  });
});

describe('serving with it', () => {
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
  function weightsOf(withNext: boolean): ItemWeights {
    const random = randomStream(9);
    const trained = Array.from({ length: 30 }, (_, index) => idAt(index));
    const model = trainItemModel(interactionsOf(drawnRows(120, 30, 8, 2)), { ...defaultSettings, next: 1 }, gemm);
    const { next, ...rows } = model;
    const louder = next && { ...next, values: next.values.map((value) => value * (0.5 + random())) };
    return { ids: Float64Array.from(trained), ...rows, recency: 0.9, next: withNext ? louder : null, content: null };
  }
  const [without, weights] = [false, true].map(weightsOf) as [ItemWeights, ItemWeights];
  const [plain, neighbours] = [without, weights].map((one) => new Neighbours('v', snapshot, one)) as [
    Neighbours,
    Neighbours,
  ];
  const nextOf = (index: number, other: number) =>
    index < 30 && other < 30 ? dense(weights.next!)[index]![other]! : 0;
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

  it('[REC8] [REC20] the newest like also speaks for what comes after its track, until the next like', () => {
    for (const history of [
      [reaction(3, 9), reaction(8, 8)],
      // What is against a track is not what something comes after.
      [reaction(5, 10, -1), reaction(3, 9), reaction(8, 8)],
    ]) {
      const [more, less] = [scoresOf(rankingOf(history)), scoresOf(rankingOf(history, plain))];
      indices.forEach((index) => expect(more[index]! - less[index]!).toBeCloseTo(nextOf(3, index), 9));
      expect(Math.max(...indices.map((index) => nextOf(3, index)))).toBeGreaterThan(0.01);
    }
  });

  it('[REC15] [REC20] nothing is known to follow a track unknown to training', () => {
    const history = [reaction(35, 9), reaction(3, 8)];
    expect(scoresOf(rankingOf(history))).toEqual(scoresOf(rankingOf(history, plain)));
  });

  it('[REC11] of simultaneous likes the first in the catalogue counts as the newest, whatever their order', () => {
    const [one, other] = [reaction(3, 9), reaction(8, 9)];
    const differences = [
      [one, other],
      [other, one],
    ].map((history) => {
      const [more, less] = [scoresOf(rankingOf(history)), scoresOf(rankingOf(history, plain))];
      return indices.map((index) => more[index]! - less[index]!);
    });
    // What counts is the strength of the event, which recency has a say in.
    const sizes = differences.map((values) => Math.max(...values));
    differences.forEach((values, i) =>
      values.forEach((value, index) =>
        expect(value / sizes[i]!).toBeCloseTo(nextOf(3, index) / Math.max(...indices.map((j) => nextOf(3, j))), 9),
      ),
    );
  });

  it('[REC14] [REC22] a like raises all similar tracks by its own term, and a negative reaction raises nothing', () => {
    for (const index of indices) {
      const near = neighbours.near(index).indices;
      const [row, newest] = [neighbours.of(index), neighbours.ofNewest(index)].map(({ indices: at, values }) => {
        const spread = new Float64Array(TRACKS);
        at.forEach((other, i) => (spread[other] = values[i]!));
        return spread;
      });
      for (const other of near) expect(newest![other]).toBeGreaterThanOrEqual(row![other]!);
      for (const other of indices) expect(newest![other]! - row![other]!).toBeCloseTo(nextOf(index, other), 9);
      const no = rankingOf([reaction(index, 9, -1)]);
      expect(scoresOf(no)).toEqual(scoresOf(rankingOf([reaction(index, 9, -1)], plain)));
    }
  });
});
