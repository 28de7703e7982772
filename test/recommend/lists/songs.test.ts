import { describe, expect, it } from 'vitest';
import type { TrackInput } from '../../../src/catalogue/catalogue.ts';
import { atOnce } from '../../../src/lib/async/slices.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { songKey } from '../../../src/lib/text/song-key.ts';
import type { FeedbackKind, Viewer } from '../../../src/listeners/listeners.ts';
import { groupSongs, keepBestRecordings } from '../../../src/recommend/model/songs.ts';
import type { RecommendationQuery } from '../../../src/recommend/recommender.ts';
import { encodeId } from '../../../src/resolvers/global-id.ts';
import { addTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening } from '../../support/listening.ts';
import { type Recommending, startRecommending } from '../../support/recommend/recommending.ts';

const EDITIONS = ['', ' - 2011 Remaster', ' (Live at Leeds)', ' - Radio Edit', ' (Clean)'];

/** Twelve songs of four artists; of each one to five recordings, some explicit. */
const recordings = Array.from({ length: 12 }, (_, song): TrackInput[] =>
  EDITIONS.slice(0, 1 + (song % 5)).map((edition, i) => ({
    externalId: `s${song}-${i}`,
    title: `${['Harbour', 'Lantern', 'Meadow'][song % 3]} of ${song}${edition}`,
    artist: `Artist ${song % 4}`,
    genres: [song % 2 ? 'Jazz' : 'Rock'],
    releaseYear: 1970 + song + 10 * i,
    explicit: i === 0 && song % 3 === 0,
  })),
).flat();
const songOf = (externalId: string) => externalId.split('-')[0]!;
const KINDS: readonly FeedbackKind[] = ['PLAY', 'LIKE', 'SKIP', 'DISLIKE', 'COMPLETE'];

async function listening(): Promise<Recommending> {
  const world = await startRecommending(recordings);
  const random = randomStream(31);
  for (let u = 0; u < 15; u++) {
    await world.heard(
      `fan ${u}`,
      recordings.flatMap(({ externalId }) => (random() < 0.3 ? [[externalId, 'PLAY'] as const] : [])),
    );
  }
  await world.catalogue.refreshPopularity();
  await world.recommender.train();
  return world;
}

/** All pages of a list, of sizes that are drawn, while popularity is refreshed between them. */
async function pagesOf(world: Recommending, { listener }: Viewer, query: RecommendationQuery, random: () => number) {
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page = await world.recommender.recommend(listener.id, query, { first: 1 + Math.floor(4 * random()), after });
    for (const { node } of page.edges) {
      const { baseline, reasons } = node.explanation;
      expect(reasons.reduce((sum, { contribution }) => sum + contribution, baseline)).toBeCloseTo(node.score, 6);
    }
    seen.push(...world.externalIdsOf(page));
    after = page.hasNextPage ? page.edges.at(-1)!.cursor : null;
    if (random() < 0.3) {
      const track = recordings[Math.floor(random() * recordings.length)]!;
      await world.heard(`passer-by ${seen.length}`, [[track.externalId, 'PLAY']]);
      await world.catalogue.refreshPopularity();
    }
  } while (after !== null);
  return seen;
}

describe('[SONG1] recordings of one song', () => {
  it('property: no two are in any list, its pages, a live list or similar tracks, and a heard one is in none', async () => {
    const world = await listening();
    const random = randomStream(7);
    for (let round = 0; round < 6; round++) {
      const heard = recordings.filter(() => random() < 0.08).map(({ externalId }) => externalId);
      const kinds = heard.map(() => KINDS[Math.floor(random() * KINDS.length)]!);
      const viewer = await world.heard(
        `listener ${round}`,
        heard.map((externalId, i) => [externalId, kinds[i]!] as const),
      );
      await world.listeners.setPreferences(viewer.listener.id, { allowExplicit: random() < 0.5 });
      const query = {
        ...{ diversity: random(), includeHeard: random() < 0.3, calibration: random() < 0.3 ? 0.5 : 0 },
        maxPerArtist: random() < 0.3 ? 2 : null,
      };
      const list = await pagesOf(world, viewer, query, random);
      const songs = list.map(songOf);
      expect(new Set(songs).size).toBe(songs.length);
      const known = new Set(heard.map(songOf));
      if (!query.includeHeard) expect(songs.filter((song) => known.has(song))).toEqual([]);
      const ending = new AbortController();
      const live = world.recommender.live(viewer.listener.id, {}, 100, ending.signal)[Symbol.asyncIterator]();
      const first = (await live.next()) as IteratorYieldResult<Parameters<Recommending['externalIdsOf']>[0]>;
      ending.abort();
      const liveSongs = world.externalIdsOf(first.value).map(songOf);
      expect(new Set(liveSongs).size).toBe(liveSongs.length);
      const of = recordings[Math.floor(random() * recordings.length)]!.externalId;
      const similar = await world.recommender.similar(world.idOf(of), { first: 100 }, viewer.listener.id);
      const near = world.externalIdsOf(similar).map(songOf);
      expect(new Set(near).size).toBe(near.length);
      expect(near).not.toContain(songOf(of));
    }
  });

  it('have the position of the best eligible one, and name it', async () => {
    const world = await listening();
    const ann = await world.heard('ann', []);
    const liked = await world.list(ann);
    const inList = liked.find((externalId) => songOf(externalId) === 's4')!;
    const scores = await Promise.all(
      recordings
        .filter(({ externalId }) => songOf(externalId) === 's4')
        .map(
          async ({ externalId }) =>
            [externalId, await world.recommender.explain(ann.listener.id, world.idOf(externalId), {})] as const,
        ),
    );
    for (const [externalId, explained] of scores) {
      const isIt = externalId === inList;
      expect(explained!.excludedBy).toEqual(isIt ? [] : ['OTHER_VERSION']);
      expect(explained!.otherVersionId).toBe(isIt ? null : world.idOf(inList));
      expect(explained!.score).toBeLessThanOrEqual(scores.find(([id]) => id === inList)![1]!.score);
      if (isIt) continue;
      const title = recordings.find((track) => track.externalId === inList)!.title;
      expect(explained!.summary('EN')).toBe(
        `It is not in the list: another recording of it, “${title}” by Artist 0, is in the list.`,
      );
      expect(explained!.summary('ZH')).toBe(`它不在列表中：列表中有它的另一个版本Artist 0 的《${title}》。`);
    }
    // Who does not want what is explicit is given the clean one.
    await world.listeners.setPreferences(ann.listener.id, { allowExplicit: false });
    const clean = (await world.list(ann)).find((externalId) => songOf(externalId) === 's9')!;
    expect(recordings.find(({ externalId }) => externalId === clean)!.explicit).toBe(false);
  });

  it('all count as heard or rejected if one is, except one that the listener likes', async () => {
    const world = await listening();
    const ann = await world.heard('ann', [
      ['s4-2', 'PLAY'],
      ['s3-0', 'DISLIKE'],
      ['s8-0', 'HIDE'],
      ['s8-1', 'LIKE'],
    ]);
    const why = async (externalId: string) => {
      const explained = await world.recommender.explain(ann.listener.id, world.idOf(externalId), {});
      return [explained!.excludedBy, explained!.otherVersionId, explained!.summary('EN'), explained!.summary('ZH')];
    };
    const title = 'Lantern of 4 (Live at Leeds)';
    expect(await why('s4-0')).toEqual([
      ['HEARD'],
      world.idOf('s4-2'),
      `It is not in the list: you know another recording of it, “${title}” by Artist 0.`,
      `它不在列表中：你已经听过它的另一个版本Artist 0 的《${title}》。`,
    ]);
    expect((await why('s4-2')).slice(0, 3)).toEqual([['HEARD'], null, 'It is not in the list: you know it.']);
    expect((await why('s3-1')).slice(0, 2)).toEqual([['HIDDEN'], world.idOf('s3-0')]);
    expect((await why('s8-1')).slice(0, 1)).toEqual([['HEARD']]);
    expect((await why('s8-2')).slice(0, 1)).toEqual([['HEARD', 'HIDDEN']]);
    const again = await world.list(ann, { includeHeard: true });
    expect(again.filter((externalId) => ['s3', 's8'].includes(songOf(externalId)))).toEqual(['s8-1']);
    // As if it had not been: the others may be in the list again ([REC2]).
    const { edges } = await world.recommender.recommend(ann.listener.id, { diversity: 0 }, { first: 20 });
    const reason = edges
      .flatMap(({ node }) => node.explanation.reasons)
      .find((one) => one.kind === 'history' && one.trackId === world.idOf('s4-2'));
    expect(reason?.without().score).toBeDefined();
  });

  it('that were served in the last hours are not served in another recording', async () => {
    const world = await listening();
    const ann = await world.heard('ann', []);
    const query = { notServedForHours: 24 };
    const first = (await world.list(ann, query, 4)).map(songOf);
    const second = (await world.list(ann, query, 20)).map(songOf);
    expect(second.filter((song) => first.includes(song))).toEqual([]);
  });

  it('are grouped by artist and title, and the best is kept whatever the order', () => {
    const keys = recordings.map(({ artist, title }) => songKey(artist ?? '', title));
    const songs = atOnce(groupSongs(keys));
    expect(new Set(songs.groups.map((group) => songOf(recordings[group[0]!]!.externalId))).size).toBe(
      songs.groups.length,
    );
    const random = randomStream(3);
    for (let round = 0; round < 50; round++) {
      const scores = Float64Array.from(recordings, () => Math.floor(4 * random()));
      const before = Uint8Array.from(recordings, () => (random() < 0.3 ? 2 : 0));
      const excluded = before.slice();
      keepBestRecordings(scores, excluded, songs, 64);
      for (const group of songs.groups) {
        const open = [...group].filter((index) => before[index] === 0);
        const best = open.toSorted((a, b) => scores[b]! - scores[a]! || a - b)[0];
        expect([...group].filter((index) => excluded[index] === 0)).toEqual(best === undefined ? [] : [best]);
        expect(open.filter((index) => excluded[index] === 64)).toHaveLength(Math.max(0, open.length - 1));
      }
    }
  });
});

describe('Track.versions', () => {
  it('[SONG1] are the other recordings, most popular first, without withdrawn ones', async () => {
    const { database, graphqlUrl, services } = await startListening();
    const { ids } = await addTracks(database, recordings);
    const at = (externalId: string) => ids[recordings.findIndex((track) => track.externalId === externalId)]!;
    const fan = { listener: await services.listeners.ensure('fan'), roles: new Set<never>() };
    await services.listeners.recordBatch(fan, [{ trackId: at('s4-3'), kind: 'PLAY' }]);
    await services.catalogue.refreshPopularity();
    await services.catalogue.withdrawTracks({ externalIds: ['s4-1'] });
    const query = `query ($id: ID!, $other: ID!) { track(id: $id) { versions { title } first: versions(first: 1) { title } }
      alone: track(id: $other) { versions { title } }
      explanation(trackId: $id) { excludedBy otherVersion { title } } }`;
    const { data } = await ask(graphqlUrl, query, {
      id: encodeId('Track', at('s4-0')),
      other: encodeId('Track', at('s5-0')),
    });
    const title = (edition: string) => ({ title: `Lantern of 4${edition}` });
    expect(data).toEqual({
      track: {
        versions: [title(' - Radio Edit'), title(' (Live at Leeds)'), title(' (Clean)')],
        first: [title(' - Radio Edit')],
      },
      alone: { versions: [] },
      explanation: { excludedBy: ['OTHER_VERSION'], otherVersion: title(' - Radio Edit') },
    });
  });
});
