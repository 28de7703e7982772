import { describe, expect, it } from 'vitest';
import { measureLists } from '../../../src/recommend/measure/beyond-accuracy.ts';
import { impactOfReasons } from '../../../src/recommend/measure/counterfactual-impact.ts';
import { measureServed } from '../../../src/recommend/measure/served-quality.ts';
import { Neighbours } from '../../../src/recommend/model/neighbours.ts';
import { noWeights } from '../../../src/recommend/model/weights.ts';
import { Ranking } from '../../../src/recommend/ranking/ranking.ts';
import { Workspace } from '../../../src/recommend/ranking/workspace.ts';
import type { Taste } from '../../../src/recommend/taste/taste.ts';
import { snapshotOf } from '../../support/recommend/snapshots.ts';

/** Tracks by one artist each, the first two jazz, the others rock; popularity 1, 0.75, 0.5, 0.25. */
const snapshot = snapshotOf({
  tracks: [1, 2, 3, 4].map((id) => ({
    ...{ id, title: `T${id}`, artistId: id, releaseYear: null, durationMs: null, explicit: false },
    ...{ popularity: 1.25 - id / 4, recentListeners: 0, allTimeListeners: null, rejecters: 0, withdrawn: false },
  })),
  artists: [1, 2, 3, 4].map((id) => ({ id, name: `A${id}` })),
  genres: [
    { id: 1, slug: 'jazz', name: 'Jazz' },
    { id: 2, slug: 'rock', name: 'Rock' },
  ],
  trackGenres: [1, 2, 3, 4].map((trackId) => ({ trackId, genreId: trackId <= 2 ? 1 : 2, position: 0 })),
  trackTags: [],
});

const noWait = () => Promise.resolve();

describe('[BEYOND5] qualities of lists', () => {
  it('by hand', () => {
    const half = Float64Array.of(0.5, 0.5);
    const { coverage, novelty, diversity, miscalibration } = measureLists(
      [
        { indices: [0, 2], genres: half },
        { indices: [0, 1], genres: half },
        { indices: [2], genres: null },
      ],
      snapshot,
    );
    expect(coverage).toBe(0.75);
    expect(novelty).toBeCloseTo((0.25 + 0.125 + 0.5) / 3, 12);
    // Tracks are of a genre that two of four share (weight ln 3) and an artist of their own (ln 5).
    const alike = Math.log(3) ** 2 / (Math.log(3) ** 2 + Math.log(5) ** 2);
    expect(diversity).toBeCloseTo((1 + (1 - alike) + 0) / 3, 12);
    // Both genres, then jazz alone: ½ ln (½ / (0.99 + 0.01 · ½)) + ½ ln (½ / (0.01 · ½)).
    const lopsided = 0.5 * Math.log(0.5 / 0.995) + 0.5 * Math.log(100);
    expect(miscalibration).toBeCloseTo((0 + lopsided) / 2, 9);
  });
});

describe('[BEYOND5] without known genres', () => {
  it('calibration is missing instead of perfect', () => {
    expect(measureLists([{ indices: [0], genres: null }], snapshot).miscalibration).toBeNull();
  });
});

describe('[TRUTH1] the effect of reasons', () => {
  /** Having heard track 4 speaks for track 3, and nothing else for anything. */
  const weights = {
    ...noWeights,
    ids: Float64Array.of(1, 2, 3, 4),
    starts: Uint32Array.of(0, 0, 0, 0, 1),
    columns: Uint32Array.of(2),
    values: Float32Array.of(0.5),
    recency: 1,
  };
  const taste: Taste = {
    history: [{ trackId: 4, kind: 'LIKE', at: 0, plays: 1, strength: 1 }],
    ...{ genres: [], artistIds: [], tags: [], text: null, allowExplicit: true, seedTrackIds: [], contextText: null },
  };
  const neighbours = new Neighbours('v', snapshot, weights);
  const serving = { snapshot, neighbours, workspace: new Workspace() };

  it('is told by taking them away', async () => {
    const ranking = new Ranking(serving, { taste, filter: null, includeHeard: false });
    // Track 3 by what was liked, then 1 and 2 by popularity. Without the like: 1, 2, 3, 4.
    expect(await impactOfReasons(ranking, 1, noWait)).toEqual({
      reasons: { cited: 1, left: 1, dropped: 2 },
      popularity: { cited: 1, left: 0, dropped: 0 },
    });
    // Without popularity 1 and 2 are equal, and stay where they are: it decided nothing but their order with track 3.
    const two = await impactOfReasons(ranking, 2, noWait);
    expect(two.reasons).toEqual({ cited: 2, left: 1, dropped: 2 });
  });

  it('is measured on what is served', async () => {
    const metrics = await measureServed(serving, [taste], new AbortController().signal);
    expect(metrics['Coverage@20']).toBe(0.75);
    expect(metrics['ReasonDrop@10']).toBeGreaterThan(0);
    expect(metrics['ReasonLeaves@10']).toBe(0);
    expect(Object.keys(metrics)).toHaveLength(8);
    expect(await measureServed(serving, [], new AbortController().signal)).toEqual({});
  });
});
