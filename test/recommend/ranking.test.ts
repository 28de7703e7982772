import { expect, test } from 'vitest';
import { Counter } from '../../src/lib/collections.ts';
import { randomStream } from '../../src/lib/random.ts';
import { dot, sparseVector } from '../../src/recommend/math/sparse.ts';
import { SparseSum } from '../../src/recommend/math/sparse-sum.ts';
import { Neighbours } from '../../src/recommend/model/neighbours.ts';
import { type Snapshot } from '../../src/recommend/model/snapshot.ts';
import { noWeights } from '../../src/recommend/model/weights.ts';
import { Ranking } from '../../src/recommend/ranking/ranking.ts';
import { byScore, type Scores } from '../../src/recommend/ranking/scores.ts';
import { WINDOW, Window } from '../../src/recommend/ranking/window.ts';
import { Workspace } from '../../src/recommend/ranking/workspace.ts';
import { snapshotOf } from '../support/recommend/snapshots.ts';

function catalogueOf(tracks: number): Snapshot {
  return snapshotOf({
    tracks: Array.from({ length: tracks }, (_, i) => ({
      ...{
        id: i + 1,
        title: `Title ${i}`,
        artistId: 1 + (i % 7),
        releaseYear: 2000,
        durationMs: null,
        explicit: false,
      },
      ...{
        popularity: ((i * 37) % tracks) / tracks,
        recentListeners: 0,
        allTimeListeners: null,
        rejecters: 0,
        withdrawn: false,
      },
    })),
    artists: Array.from({ length: 7 }, (_, i) => ({ id: i + 1, name: `Artist ${i}` })),
    ...{ genres: [], trackGenres: [] },
    trackTags: Array.from({ length: tracks }, (_, i) => ({ trackId: i + 1, tag: `tag ${i % 5}`, weight: 1 })),
  });
}

test('[REC1] [REC4] [REC5] interleaved rankings answer as each would alone, with one catalogue or two', () => {
  const [large, small] = [catalogueOf(60), catalogueOf(40)];
  const workspace = new Workspace();
  const rankingOf = (snapshot: Snapshot, liked: number[], tags: string[]): Ranking => {
    const history = liked.map((trackId) => ({ trackId, kind: 'LIKE' as const, at: 0, plays: 1, strength: 1 }));
    const asked = { genres: [], artistIds: [], text: null, contextText: null, seedTrackIds: [], allowExplicit: true };
    const neighbours = new Neighbours('version', snapshot, noWeights);
    const serving = { snapshot, neighbours, workspace };
    return new Ranking(serving, { taste: { history, tags, ...asked }, filter: null, includeHeard: false });
  };
  const make = () => [
    rankingOf(large, [3, 9], []),
    rankingOf(large, [20], ['tag 2']),
    rankingOf(small, [1, 2], ['tag 4']),
  ];
  const answersIn = (scores: Scores, index: number) => {
    const positions = scores.next([], 10, byScore).map((one) => [one.index, one.score, one.scoreRank]);
    return [positions, scores.scoreOf(index), scores.rankOf(index), scores.exclusionsOf(index)];
  };
  const answersOf = (ranking: Ranking, index: number) => ranking.withScores((scores) => answersIn(scores, index));
  const alone = make().map((ranking) => [0, 8, 19].map((index) => answersOf(ranking, index)));
  const inTurns = make();
  const asked = [0, 8, 19].map((index) => inTurns.map((ranking) => answersOf(ranking, index)));
  expect(inTurns.map((_, i) => asked.map((turn) => turn[i]))).toEqual(alone);
  // What is borrowed while another borrows is other memory.
  const within = inTurns.map((ranking) =>
    ranking.withScores((scores) => {
      for (const other of inTurns) other.withScores((others) => answersIn(others, 3));
      return [0, 8, 19].map((index) => answersIn(scores, index));
    }),
  );
  expect(within).toEqual(alone);
  const kept = inTurns.map((ranking) => ranking.scores());
  expect(kept.map((scores) => [0, 8, 19].map((index) => answersIn(scores, index)))).toEqual(alone);
  const [ranking] = inTurns;
  const sum = ranking!.contributions(5).reduce((total, { value }) => total + value, ranking!.baseline);
  expect(ranking!.scores().scoreOf(5)).toBeCloseTo(sum, 12);
});

test('[REC5] each position goes to the best mix of score and difference, although most pairs are not compared', () => {
  const tracks = 3 * WINDOW;
  for (let seed = 0; seed < 6; seed++) {
    const random = randomStream(seed);
    const scores = Array.from({ length: tracks }, () => random()).toSorted((a, b) => b - a);
    const features = scores.map(() => {
      const [a, b] = [Math.floor(random() * 6), 6 + Math.floor(random() * 6)];
      return sparseVector([[a, 0.8] as const, [b, 0.6] as const]);
    });
    const diversity = random();
    const scoreOf = (index: number) => scores[index]!;
    const ranked = Int32Array.from(scores.keys());
    const window = new Window(ranked, [], 25, {
      ...{
        diversity,
        calibration: 0,
        genres: null,
        scoreOf,
        features: { of: (index) => features[index] },
        zeros: new Float64Array(12),
      },
    });
    const span = scores[0]! - scores[WINDOW - 1]!;
    const spread = (index: number) => {
      const dense = new Float64Array(12);
      features[index]!.indices.forEach((at, i) => (dense[at] = features[index]!.values[i]!));
      return dense;
    };
    const list: number[] = [];
    while (list.length < 25) {
      const open = scores.flatMap((_, index) => (index < WINDOW + list.length && !list.includes(index) ? [index] : []));
      const worthOf = (index: number) => {
        const likeness = Math.max(0, ...list.map((above) => dot(spread(index), features[above]!)));
        return (1 - diversity) * ((scores[index]! - scores[0]!) / span + 1) - diversity * likeness;
      };
      expect(window.size).toBe(open.length);
      expect(open.every((index, nth) => window.nth(nth) === index)).toBe(true);
      const best = window.best()!;
      expect(worthOf(best)).toBeCloseTo(Math.max(...open.map(worthOf)), 12);
      // Now and then a track from beyond the window, as when another version's list is judged.
      const taken = random() < 0.2 ? Math.min(tracks - 1, WINDOW + list.length + Math.floor(random() * 5)) : best;
      if (list.includes(taken)) continue;
      window.take(taken);
      list.push(taken);
    }
  }
});

test('[REC1] sums in reused memory equal separate sums', () => {
  const random = randomStream(3);
  const sum = new SparseSum(200);
  for (const count of [0, 1, 5, 150, 3, 400]) {
    const known = new Counter<number>();
    for (let i = 0; i < count; i++) {
      const [index, value] = [Math.floor(random() * 200), random() - 0.5];
      known.add(index, value);
      sum.add(index, value);
    }
    expect(sum.take()).toEqual(sparseVector(known));
  }
});
