import { afterAll, expect, test } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { Gemm } from '../../../src/ml/gemm.ts';
import { Neighbours } from '../../../src/recommend/model/neighbours.ts';
import type { ItemWeights } from '../../../src/recommend/model/weights.ts';
import { Ranking } from '../../../src/recommend/ranking/ranking.ts';
import { byScore } from '../../../src/recommend/ranking/scores.ts';
import { Workspace } from '../../../src/recommend/ranking/workspace.ts';
import { createRecommender } from '../../../src/recommend/recommender.ts';
import type { Reaction } from '../../../src/recommend/taste/strengths.ts';
import { toInteractions } from '../../../src/recommend/train/interactions.ts';
import { trainItemModel } from '../../../src/recommend/train/item-model/item-model.ts';
import { describe as describeTracks, learnContent } from '../../../src/recommend/train/learn-content.ts';
import { defaultSettings } from '../../../src/recommend/train/settings-search.ts';
import { numberCases } from '../../../src/recommend/train/train-weights.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { snapshotOf } from '../../support/recommend/snapshots.ts';
import { eventually } from '../../support/time/eventually.ts';

const gemm = new Gemm();
afterAll(() => gemm[Symbol.dispose]());

const TRACKS = 60;
const MOODS = ['calm', 'wild', 'sad'] as const;
/** Nobody hears the last six: two of each mood. The decade says nothing of who hears a track; the mood, all of it. */
const isNew = (id: number) => id > TRACKS - 6;
const moodOf = (id: number) => MOODS[id % 3]!;
const decadeOf = (id: number) => `decade ${Math.floor(id / 3) % 4}`;

const snapshot = snapshotOf({
  tracks: Array.from({ length: TRACKS }, (_, i) => ({
    ...{ id: i + 1, title: `Title ${i + 1}`, artistId: i + 1, releaseYear: null, durationMs: null, explicit: false },
    ...{ popularity: 0.5, recentListeners: 0, allTimeListeners: null, rejecters: 0, withdrawn: false },
  })),
  artists: Array.from({ length: TRACKS }, (_, i) => ({ id: i + 1, name: `Artist ${i + 1}` })),
  ...{ genres: [], trackGenres: [] },
  trackTags: Array.from({ length: TRACKS }, (_, i) => [
    { trackId: i + 1, tag: moodOf(i + 1), weight: 1 },
    { trackId: i + 1, tag: decadeOf(i + 1), weight: 1 },
  ]).flat(),
});

function train(): ItemWeights {
  const random = randomStream(3);
  const histories = Array.from({ length: 200 }, (_, u) =>
    Array.from({ length: TRACKS }, (_, i) => i + 1)
      .filter((id) => !isNew(id) && random() < (moodOf(id) === MOODS[u % 3] ? 0.5 : 0.03))
      .map((trackId) => ({ trackId, strength: 1 })),
  );
  const { ids, interactions } = toInteractions(histories);
  const rows = trainItemModel(interactions, defaultSettings, gemm);
  const cases = numberCases(
    ids,
    histories.map((history) => ({ history, targets: [] })),
  );
  const content = learnContent(rows, describeTracks(snapshot, ids), cases, gemm);
  return { ids: Float64Array.from(ids), ...rows, recency: 1, content };
}

const weights = train();

function rankingOf(liked: readonly number[], learned: ItemWeights = weights): Ranking {
  const history = liked.map((trackId): Reaction => ({ trackId, kind: 'LIKE', at: 0, plays: 1, strength: 1 }));
  const taste = {
    history,
    ...{ genres: [], artistIds: [], tags: [], text: null, contextText: null, seedTrackIds: [], allowExplicit: true },
  };
  const neighbours = new Neighbours('version', snapshot, learned);
  return new Ranking(
    { snapshot, neighbours, workspace: new Workspace() },
    { taste, filter: null, includeHeard: false },
  );
}

const idAt = (index: number) => snapshot.tracks[index]!.id;
const newOnes = (ranking: Ranking) =>
  ranking
    .scores()
    .next([], TRACKS, byScore)
    .map(({ index }) => idAt(index))
    .filter(isNew);

test('[REC15] a track that nobody has heard ranks by its tags, by those that predict listeners', () => {
  for (const mood of MOODS) {
    // Of the other decades, so that likeness alone would say as much for a decade as for the mood.
    const liked = Array.from({ length: TRACKS }, (_, i) => i + 1).filter((id) => !isNew(id) && moodOf(id) === mood);
    const ranking = rankingOf(liked.slice(0, 6));
    const [first, second] = newOnes(ranking);
    expect([moodOf(first!), moodOf(second!)]).toEqual([mood, mood]);
    // Above the tracks of other moods that were trained on, too.
    const order = ranking
      .scores()
      .next([], TRACKS, byScore)
      .map(({ index }) => idAt(index));
    const others = order.filter((id) => moodOf(id) !== mood);
    expect(order.indexOf(second!)).toBeLessThan(order.indexOf(others[0]!));
  }
});

test('[REC1] [REC15] the contribution of features belongs to the event of their track, and adds up', () => {
  const ranking = rankingOf([1, 4, 8, 20]);
  const scores = ranking.scores();
  for (let index = 0; index < TRACKS; index++) {
    const reasons = ranking.contributions(index);
    const sum = reasons.reduce((total, { value }) => total + value, ranking.baseline);
    expect(sum).toBeCloseTo(scores.scoreOf(index), 9);
    for (const { source, value } of reasons.filter(({ source }) => source.kind === 'history')) {
      const without = ranking.without(source);
      expect(scores.scoreOf(index) - without.scoreOf(index)).toBeCloseTo(value, 9);
    }
  }
});

test('[REC15] a liked new track speaks for similar ones; without known features it has no effect', () => {
  const liked = TRACKS;
  const [first] = rankingOf([liked])
    .scores()
    .next([], 1, byScore)
    .map(({ index }) => idAt(index));
  expect(moodOf(first!)).toBe(moodOf(liked));
  const strange = snapshotOf({
    tracks: [{ ...snapshot.tracks[0]!, id: 99, artistId: 99 }],
    artists: [],
    ...{ genres: [], trackGenres: [], trackTags: [{ trackId: 99, tag: 'never seen', weight: 1 }] },
  });
  expect(new Neighbours('version', strange, weights).of(0).indices).toHaveLength(0);
});

test('[REC23] without learned features a track speaks for those that share features, in proportion', () => {
  const id = TRACKS;
  const { indices, values } = new Neighbours('version', snapshot, { ...weights, content: null }).of(TRACKS - 1);
  const shared = (other: number) => Number(moodOf(other) === moodOf(id)) + Number(decadeOf(other) === decadeOf(id));
  const byShared = (count: number) => [...values].filter((_, at) => shared(idAt(indices[at]!)) === count);
  expect(byShared(0)).toEqual([]);
  expect(byShared(1).length).toBeGreaterThan(0);
  expect(Math.min(...byShared(2))).toBeGreaterThan(Math.max(...byShared(1)));
});

test('[REC15] without data nothing is learned', () => {
  const bare = describeTracks(snapshotOf({ tracks: [], artists: [], genres: [], trackGenres: [], trackTags: [] }), []);
  expect(bare).toEqual({ names: [], rows: [] });
});

test('[REC15] a version learns from the catalogue, and recommends a track that was added since', async () => {
  const [database, wakeups] = [await testDatabase(), new LocalWakeups()];
  const parts = { database, wakeups, clock: systemClock, log: silentLogger };
  const listeners = createListeners(parts);
  const catalogue = createCatalogue(parts);
  const track = (i: number) => ({
    ...{ externalId: `t${i}`, title: `Title ${i}`, artist: `Artist ${i}`, genres: [] },
    tags: [moodOf(i), decadeOf(i)],
  });
  const { ids } = await addTracks(
    database,
    Array.from({ length: 210 }, (_, i) => track(i)),
  );
  for (let u = 0; u < 60; u++) {
    const { id } = await listeners.ensure(`fan ${u}`);
    const heard = Array.from({ length: 35 }, (_, i) => ids[(u % 3) + 3 * ((u + 2 * i) % 70)]!);
    await database.sql`insert into feedback (listener_id, track_id, kind, at)
      select ${id}, track, 'LIKE', now() from unnest(${`{${heard.join()}}`}::text::bigint[]) as heard (track)`;
  }
  await using recommender = await createRecommender({ ...parts, catalogue, listeners, trainsByItself: false });
  await recommender.train();
  const added = await addTracks(
    database,
    [300, 301, 302].map((i) => track(i)),
  );
  wakeups.wake('catalogue');
  const { id } = await listeners.ensure('fan 0');
  const first = await eventually(async () => {
    const page = await recommender.recommend(id, {}, { first: 100 });
    const found = page.edges.map(({ node }) => node).find(({ trackId }) => !ids.includes(trackId));
    expect(found?.trackId).toBe(added.ids[0]);
    return found;
  });
  // As good as what is left of the listener's own mood, which half of its fans have heard.
  expect(first!.rank).toBeLessThan(40);
  const { baseline, reasons } = first!.explanation;
  expect(reasons.filter(({ kind }) => kind === 'history').length).toBeGreaterThan(20);
  const sum = reasons.reduce((total, { contribution }) => total + contribution, baseline);
  expect(Math.abs(sum - first!.score)).toBeLessThan(1e-6);
});
