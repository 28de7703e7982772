import { expect, it } from 'vitest';
import { ModelUnavailableError, OverloadedError } from '../../../src/lib/errors.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { DictionaryVectors } from '../../support/recommend/dictionary-vectors.ts';
import { startRecommending } from '../../support/recommend/recommending.ts';

const TAGS = ['melancholy', 'party', 'rain', 'dance', 'slow', 'loud', 'evening'];
const WANTED = 'something for a rainy drive';
const random = randomStream(11);
const direction = (): number[] => Array.from({ length: 8 }, () => random() - 0.5);
const DIRECTIONS = Object.fromEntries([WANTED, 'Ambient', 'Rock', ...TAGS].map((name) => [name, direction()]));
const tracks = Array.from({ length: 40 }, (_, i) => ({
  ...{ externalId: `t${i}`, title: i % 4 === 0 ? 'Four' : `Title ${i}`, artist: `Artist ${i % 7}` },
  genres: i % 10 === 9 ? [] : [i % 2 === 0 ? 'Ambient' : 'Rock'],
  tags: i % 10 === 9 ? [] : TAGS.filter((_tag, n) => (i + n) % 3 === 0),
}));

async function start() {
  const vectors = new DictionaryVectors(DIRECTIONS);
  const room = await startRecommending(tracks, { vectors });
  const search = (page: { first: number; after?: string | null }, others: object = {}) =>
    room.recommender.tracksByMeaning({ meaning: WANTED, among: null, ...others, ...page });
  return { ...room, vectors, search };
}

it('[MEANING5] lists the tracks with genres or tags by the cosine to the sum of their vectors', async () => {
  const { search, idOf } = await start();
  const { edges, total } = await search({ first: 100 });
  const rarity = (has: (track: (typeof tracks)[number]) => boolean) =>
    Math.log(1 + tracks.length / tracks.filter(has).length);
  const expected = tracks
    .filter(({ genres }) => genres.length > 0)
    .map(({ externalId, genres, tags }) => {
      const sum = new Array<number>(8).fill(0);
      const add = (name: string, weight: number) =>
        DIRECTIONS[name]?.forEach((part, i) => (sum[i] = (sum[i] ?? 0) + weight * Math.fround(part)));
      for (const name of genres)
        add(
          name,
          rarity((track) => track.genres.includes(name)),
        );
      for (const name of tags)
        add(
          name,
          rarity((track) => track.tags.includes(name)),
        );
      const product = sum.reduce((all, part, i) => all + part * Math.fround(DIRECTIONS[WANTED]?.[i] ?? 0), 0);
      return { id: idOf(externalId), cosine: product / Math.hypot(...sum) };
    })
    .sort((a, b) => (Math.abs(a.cosine - b.cosine) > 1e-9 ? b.cosine - a.cosine : a.id - b.id));
  expect(edges.map(({ node }) => node)).toEqual(expected.map(({ id }) => id));
  expect(await total()).toBe(36);
});

it('[MEANING5] pages are parts of one list, in both directions, and narrowed to what a search found', async () => {
  const { search, idOf } = await start();
  for (const others of [{}, { direction: 'ASC' }, { among: new Set(['t2', 't5', 't8', 't19'].map(idOf)) }]) {
    const whole = (await search({ first: 100 }, others)).edges.map(({ node }) => node);
    const paged: number[] = [];
    let after: string | null = null;
    for (let more = true; more;) {
      const page: Awaited<ReturnType<typeof search>> = await search({ first: 3, after }, others);
      paged.push(...page.edges.map(({ node }) => node));
      after = page.edges.at(-1)?.cursor ?? null;
      more = page.hasNextPage;
    }
    expect(paged).toEqual(whole);
  }
  const found = await search({ first: 100 }, { among: new Set(['t2', 't5', 't9'].map(idOf)) });
  expect(found.edges.map(({ node }) => node).toSorted()).toEqual(['t2', 't5'].map(idOf).toSorted());
});

it('[MEANING5] refuses cursors of other meanings and texts without a word, and lists no withdrawn track', async () => {
  const { search, catalogue, recommender } = await start();
  const { edges } = await search({ first: 2 });
  const after = edges[0]?.cursor ?? '';
  await expect(search({ first: 2, after }, { meaning: 'another' })).rejects.toMatchObject({ field: 'after' });
  await expect(search({ first: 2, after }, { direction: 'ASC' })).rejects.toMatchObject({ field: 'after' });
  await expect(search({ first: 2 }, { meaning: ' ' })).rejects.toMatchObject({ field: 'meaning' });
  await expect(search({ first: 2 }, { meaning: 'x'.repeat(501) })).rejects.toMatchObject({ field: 'meaning' });
  await catalogue.withdrawTracks({ ids: [edges[0]?.node ?? 0] });
  await recommender.upToDate();
  expect((await search({ first: 1 })).edges[0]?.node).toBe(edges[1]?.node);
});

it('[MEANING5] says that there is no encoder, and when there will be names', async () => {
  const { search, vectors, catalogue, recommender } = await start();
  vectors.available = false;
  await expect(search({ first: 2 })).rejects.toBeInstanceOf(ModelUnavailableError);
  const without = await startRecommending(tracks);
  const page = { meaning: WANTED, among: null, first: 2 };
  await expect(without.recommender.tracksByMeaning(page)).rejects.toBeInstanceOf(ModelUnavailableError);
  vectors.available = true;
  const tags = Array.from({ length: 50 }, (_, i) => `tag ${i}`);
  const many = Array.from({ length: 11 }, (_, i) => ({
    ...{ externalId: `m${i}`, title: 'Many', artist: 'Ann' },
    tags: tags.map((tag) => `${tag} of ${i}`),
  }));
  await catalogue.upsertTracks(many);
  await recommender.upToDate();
  await expect(search({ first: 2 })).rejects.toBeInstanceOf(OverloadedError);
});
