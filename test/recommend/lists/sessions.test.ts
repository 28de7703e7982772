import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import type { Viewer } from '../../../src/listeners/listeners.ts';
import type { Recommendation, RecommendationQuery } from '../../../src/recommend/recommender.ts';
import { keepNextVersion, NEXT_VERSION } from '../../support/recommend/next-version.ts';
import { type Recommending, startRecommending } from '../../support/recommend/recommending.ts';

const GENRES = ['Jazz', 'Rock', 'Classical', 'Metal'];
const tracks = Array.from({ length: 48 }, (_, i) => ({
  externalId: `t${i}`,
  title: `Title ${i}`,
  artist: `Artist ${i % 16}`,
  genres: [GENRES[i % 4]!],
}));
const genreOf = (externalId: string) => Number(externalId.slice(1)) % 4;

/** Listeners who keep to one genre each; and a version to which it matters what comes right after the last track. */
async function listening(): Promise<Recommending> {
  const world = await startRecommending(tracks);
  const random = randomStream(5);
  for (let u = 0; u < 24; u++) {
    const liked = tracks.filter(({ externalId }) => random() < (genreOf(externalId) === u % 4 ? 0.6 : 0.05));
    await world.heard(
      `fan ${u}`,
      liked.map(({ externalId }) => [externalId, 'PLAY'] as const),
    );
  }
  await world.catalogue.refreshPopularity();
  await world.recommender.train();
  await keepNextVersion(
    world.database,
    tracks.map(({ externalId }) => world.idOf(externalId)),
  );
  await world.recommender.activate(NEXT_VERSION);
  return world;
}

async function nodesOf(world: Recommending, { listener }: Viewer, query: RecommendationQuery) {
  const page = await world.recommender.recommend(listener.id, { diversity: 0, ...query }, { first: 40 });
  return page.edges.map(({ node }) => node);
}

const share = (externalIds: readonly string[], genre: number) =>
  externalIds.filter((id) => genreOf(id) === genre).length / externalIds.length;

function expectExact(nodes: readonly Recommendation[]): void {
  for (const { score, explanation } of nodes) {
    const sum = explanation.reasons.reduce((so, { contribution }) => so + contribution, explanation.baseline);
    expect(sum).toBeCloseTo(score, 6);
  }
}

describe('recommendations for a session', () => {
  it('[SESSION1] [REC1] [REC2] follow its tracks instead of the history, exactly, and say so', async () => {
    const world = await listening();
    const ann = await world.heard('ann', [
      ['t1', 'LIKE'],
      ['t5', 'LIKE'],
      ['t8', 'HIDE'],
    ]);
    const { idOf } = world;
    const context = { session: [idOf('t0'), idOf('t4'), idOf('t0'), idOf('t12')] };
    const nodes = await nodesOf(world, ann, { context });
    expectExact(nodes);
    const found = await world.list(ann, { context }, 10);
    // Of what is left, a fifth is of this genre.
    expect(share(found, 0)).toBeGreaterThan(0.4);
    // What was heard in the session and what was hidden is not in it; what was liked before may be.
    const all = await world.list(ann, { context });
    for (const out of ['t0', 't4', 't12', 't8']) expect(all).not.toContain(out);
    for (const known of ['t1', 't5']) expect(all).toContain(known);
    const reasons = nodes.flatMap(({ explanation }) => explanation.reasons);
    expect(reasons.some((one) => one.kind === 'history' && one.trackId !== idOf('t8'))).toBe(false);
    const told = reasons.map((one) => one.summary('EN'));
    expect(told).toContain('You just heard “Title 12” by Artist 12.');
    expect(told).toContain('You heard “Title 0” by Artist 0 a little while ago.');
    // Without a reason, the list is that of a session without its track.
    const [best] = nodes;
    const reason = best!.explanation.reasons.find((one) => one.summary('EN').includes('just heard'));
    const rest = await nodesOf(world, ann, { context: { session: [idOf('t4'), idOf('t0')] } });
    const again = rest.find(({ trackId }) => trackId === best!.trackId);
    expect(reason?.without()).toEqual({ score: again?.score, rank: again?.scoreRank });
  });

  it('[SESSION1] are the same for everybody without preferences, whatever they heard before', async () => {
    const world = await listening();
    const context = { session: [world.idOf('t2'), world.idOf('t6')] };
    const nobody = await world.heard('nobody', []);
    const fan = await world.heard('somebody', [
      ['t1', 'LIKE'],
      ['t9', 'SKIP'],
    ]);
    expect(await world.list(fan, { context })).toEqual(await world.list(nobody, { context }));
    expect(await world.list(fan, { context })).not.toEqual(await world.list(fan));
    const backwards = { session: [...context.session].reverse() };
    expect(await world.list(nobody, { context: backwards })).not.toEqual(await world.list(nobody, { context }));
  });

  it('[SESSION1] later pages continue them, and belong to no other session', async () => {
    const world = await listening();
    const { listener } = await world.heard('ann', []);
    const query = { diversity: 0, context: { session: [world.idOf('t3')] } };
    const first = await world.recommender.recommend(listener.id, query, { first: 5 });
    const after = first.edges.at(-1)!.cursor;
    const second = await world.recommender.recommend(listener.id, query, { first: 5, after });
    const whole = await world.recommender.recommend(listener.id, query, { first: 10 });
    expect([...world.externalIdsOf(first), ...world.externalIdsOf(second)]).toEqual(world.externalIdsOf(whole));
    const other = { ...query, context: { session: [world.idOf('t7')] } };
    const refusal = { name: 'InvalidInputError', field: 'after' };
    await expect(world.recommender.recommend(listener.id, other, { first: 5, after })).rejects.toMatchObject(refusal);
  });
});

describe('less like these', () => {
  it('[SESSION2] leaves them out, lowers their neighbours and raises nothing', async () => {
    const world = await listening();
    const { idOf } = world;
    const ann = await world.heard('ann', [['t1', 'LIKE']]);
    const plain = new Map((await nodesOf(world, ann, {})).map(({ trackId, score }) => [trackId, score]));
    const nodes = await nodesOf(world, ann, { context: { unlikeTrackIds: [idOf('t5'), idOf('t9')] } });
    expectExact(nodes);
    let lowered = 0;
    for (const { trackId, score } of nodes) {
      expect([idOf('t5'), idOf('t9')]).not.toContain(trackId);
      expect(score).toBeLessThanOrEqual((plain.get(trackId) ?? Infinity) + 1e-9);
      if (score < (plain.get(trackId) ?? 0)) lowered++;
    }
    expect(lowered).toBeGreaterThan(0);
    const told = nodes.flatMap(({ explanation }) => explanation.reasons.map((one) => one.summary('EN')));
    expect(told).toContain('You asked for less like “Title 5” by Artist 5.');
  });

  it('[SESSION2] is refused for a track that more is wanted of', async () => {
    const world = await listening();
    const { listener } = await world.heard('ann', []);
    const [one, two] = [world.idOf('t1'), world.idOf('t2')];
    const context = { seedTrackIds: [one], unlikeTrackIds: [two, one] };
    const refusal = { name: 'InvalidInputError', field: 'context.unlikeTrackIds.1' };
    await expect(world.recommender.recommend(listener.id, { context }, { first: 5 })).rejects.toMatchObject(refusal);
  });
});

describe('[RADIO1] radio', () => {
  it('goes on without an end, and repeats nothing before the catalogue is through', async () => {
    const world = await listening();
    const { listener } = await world.heard('ann', [['t1', 'LIKE']]);
    const played: string[] = [];
    let after: string | null = null;
    for (let n = 0; n < 15; n++) {
      const page = await world.recommender.radio(listener.id, { includeHeard: true }, { first: 7, after });
      expect(page.edges).toHaveLength(7);
      expect(page.hasNextPage).toBe(true);
      expectExact(page.edges.map(({ node }) => node));
      const fresh = world.externalIdsOf(page);
      expect(new Set([...played.slice(-7), ...fresh]).size).toBe(Math.min(7, played.length) + 7);
      played.push(...fresh);
      after = page.edges.at(-1)!.cursor;
    }
    const whole = Math.floor(tracks.length / 7) * 7;
    expect(new Set(played.slice(0, whole)).size).toBe(whole);
  });

  it('reacts to a skip on the next page', async () => {
    const world = await listening();
    const ann = await world.heard('ann', [['t1', 'LIKE']]);
    const next = (after: string) => world.recommender.radio(ann.listener.id, { diversity: 0 }, { first: 30, after });
    const { edges } = await world.recommender.radio(ann.listener.id, { diversity: 0 }, { first: 3 });
    const cursor = edges.at(-1)!.cursor;
    const before = await next(cursor);
    await world.listeners.record(ann, { trackId: edges[0]!.node.trackId, kind: 'SKIP' });
    const skipped = await next(cursor);
    const scores = new Map(before.edges.map(({ node }) => [node.trackId, node.score]));
    const changes = skipped.edges.map(({ node }) => node.score - (scores.get(node.trackId) ?? node.score));
    expect(Math.min(...changes)).toBeLessThan(0);
    const reasons = skipped.edges.flatMap(({ node }) => node.explanation.reasons.map((one) => one.summary('EN')));
    expect(reasons.some((one) => one.startsWith('You skipped'))).toBe(true);
  });

  it('goes on from any of its tracks, with another session, but not from the cursor of another list or listener', async () => {
    const world = await listening();
    const { listener } = await world.heard('ann', []);
    const other = await world.heard('bob', []);
    const { edges } = await world.recommender.radio(listener.id, {}, { first: 4 });
    const context = { session: edges.slice(0, 2).map(({ node }) => node.trackId) };
    const on = await world.recommender.radio(listener.id, { context }, { first: 40, after: edges[1]!.cursor });
    const played = context.session;
    for (const { node } of on.edges) expect(played).not.toContain(node.trackId);
    const refusal = { name: 'InvalidInputError', field: 'after' };
    const after = edges[1]!.cursor;
    await expect(world.recommender.radio(other.listener.id, {}, { first: 4, after })).rejects.toMatchObject(refusal);
    const list = await world.recommender.recommend(listener.id, {}, { first: 4 });
    const foreign = { first: 4, after: list.edges[0]!.cursor };
    await expect(world.recommender.radio(listener.id, {}, foreign)).rejects.toMatchObject(refusal);
  });
});

describe('[GROUP1] recommendations for a group', () => {
  const alone = async (world: Recommending, viewer: Viewer, includeHeard: boolean) => {
    const query = { diversity: 0, includeHeard };
    const { edges } = await world.recommender.recommend(viewer.listener.id, query, { first: 60 });
    return new Map(edges.map(({ node }) => [node.trackId, node.score]));
  };
  const members = (world: Recommending) =>
    Promise.all([
      world.heard('jazz', [
        ['t0', 'LIKE'],
        ['t4', 'LIKE'],
        ['t8', 'LIKE'],
        ['t30', 'HIDE'],
      ]),
      world.heard('rock', [['t1', 'LIKE']]),
      world.heard('nobody', []),
    ]);

  it.each(['MEAN', 'LEAST_MISERY'] as const)(
    '%s: the shares of the members decide, whatever their order',
    async (strategy) => {
      const world = await listening();
      const viewers = await members(world);
      const listenerIds = viewers.map(({ listener }) => listener.id);
      const group = { listenerIds, strategy, includeHeard: true };
      const found = await world.recommender.forGroup(group, 60);
      const scores = await Promise.all(viewers.map((viewer) => alone(world, viewer, true)));
      const best = scores.map((own) => Math.max(...own.values()));
      const wanted = [...scores[0]!.keys()].filter((id) => scores.every((own) => own.has(id)));
      expect(found.map(({ trackId }) => trackId).toSorted()).toEqual(wanted.toSorted());
      expect(found.map(({ trackId }) => trackId)).not.toContain(world.idOf('t30'));
      let last = Infinity;
      for (const { trackId, score, members: shares } of found) {
        shares.forEach(({ listenerId, score: own, share: part, explanation }, i) => {
          expect(listenerId).toBe(listenerIds[i]);
          expect(own).toBeCloseTo(scores[i]!.get(trackId)!, 6);
          expect(part).toBeCloseTo(own / best[i]!, 6);
          const sum = explanation.reasons.reduce((so, { contribution }) => so + contribution, explanation.baseline);
          expect(sum).toBeCloseTo(own, 6);
        });
        const parts = shares.map((one) => one.share);
        const mean = parts.reduce((sum, part) => sum + part, 0) / parts.length;
        expect(score).toBeCloseTo(strategy === 'MEAN' ? mean : Math.min(...parts), 6);
        expect(score).toBeLessThanOrEqual(last);
        last = score;
      }
      const turned = await world.recommender.forGroup({ ...group, listenerIds: listenerIds.toReversed() }, 60);
      expect(turned.map(({ trackId }) => trackId)).toEqual(found.map(({ trackId }) => trackId));
    },
  );

  it('leaves out what any member knows, and refuses members that are not there', async () => {
    const world = await listening();
    const viewers = await members(world);
    const listenerIds = viewers.map(({ listener }) => listener.id);
    const found = await world.recommender.forGroup({ listenerIds, strategy: 'MEAN' }, 100);
    const known = ['t0', 't4', 't8', 't1', 't30'].map(world.idOf);
    expect(found).toHaveLength(tracks.length - known.length);
    for (const { trackId } of found) expect(known).not.toContain(trackId);
    for (const [ids, field] of [
      [[listenerIds[0]!, 999_999], 'listenerIds.1'],
      [[listenerIds[0]!, listenerIds[0]!], 'listenerIds.1'],
      [[], 'listenerIds'],
      [Array.from({ length: 21 }, (_, i) => i + 1), 'listenerIds'],
    ] as const) {
      const refused = world.recommender.forGroup({ listenerIds: ids, strategy: 'MEAN' }, 10);
      await expect(refused).rejects.toMatchObject({ name: 'InvalidInputError', field });
    }
  });
});
