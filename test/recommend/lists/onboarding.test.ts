import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCatalogue } from '../../../src/catalogue/catalogue.ts';
import type { Database } from '../../../src/db/client.ts';
import { seedDemo } from '../../../src/ingest/ingest.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { createRecommender } from '../../../src/recommend/recommender.ts';
import { ask, startListening } from '../../support/listening.ts';
import { createDatabase } from '../../support/postgres/database.ts';

let database: Database;
beforeAll(async () => {
  database = await createDatabase();
  const [clock, wakeups, log] = [systemClock, new LocalWakeups(), silentLogger];
  await seedDemo({ database, clock, log });
  const catalogue = createCatalogue({ database, wakeups, clock });
  const listeners = createListeners({ database, wakeups, clock });
  await using recommender = await createRecommender({ database, catalogue, listeners, wakeups, clock, log });
  await recommender.train();
});
afterAll(() => database[Symbol.asyncDispose]());

interface Track {
  id: string;
  title: string;
  popularity: number;
  genres: { slug: string }[];
}

interface Onboarding {
  coverage: number;
  tracks: Track[];
  artists: { id: string; name: string }[];
  recommendations: { requestId: string; nodes: { track: Track; explanation: { summary: string } }[] };
}

const fields = 'id title popularity genres { slug }';
const query = `{ onboarding { coverage tracks(first: 12) { ${fields} } artists(first: 8) { id name }
  recommendations(first: 10) { requestId nodes { track { ${fields} } explanation { summary } } } } }`;

async function asking(listener: string) {
  const { graphqlUrl } = await startListening({ database });
  const send = async (text: string, variables: Record<string, unknown> = {}) => {
    const { data, errors } = await ask(graphqlUrl, text, variables, { 'x-listener-id': listener });
    expect(errors).toBeUndefined();
    return data;
  };
  return { send, begin: async () => ((await send(query)) as { onboarding: Onboarding }).onboarding };
}

const mainGenres = (tracks: readonly Track[]): Set<string> => new Set(tracks.map(({ genres }) => genres[0]!.slug));

describe('a new listener', () => {
  it('[ONBOARD1] gets a list that is spread over genres, of which no artist occurs twice', async () => {
    const { begin } = await asking('somebody new');
    const { recommendations } = await begin();
    const tracks = recommendations.nodes.map(({ track }) => track);
    expect(mainGenres(tracks).size).toBeGreaterThanOrEqual(7);
  });

  it('[ONBOARD2] is asked about known tracks that tell of different ones', async () => {
    const { begin } = await asking('somebody else');
    const { tracks, artists, coverage } = await begin();
    expect([tracks.length, artists.length, coverage]).toEqual([12, 8, 0]);
    expect(mainGenres(tracks).size).toBeGreaterThanOrEqual(7);
    for (const { popularity } of tracks) expect(popularity).toBeGreaterThan(0.5);
    expect((await begin()).tracks).toEqual(tracks);
  });

  it('[ONBOARD2] is asked something else after an answer, and the list changes at once', async () => {
    const { send, begin } = await asking('who answers');
    const before = await begin();
    const [asked] = before.tracks;
    await send('mutation ($id: ID!) { setReaction(trackId: $id, reaction: LIKE) { __typename } }', { id: asked!.id });
    const after = await begin();
    expect(after.tracks.map(({ id }) => id)).not.toContain(asked!.id);
    expect(after.coverage).toBeGreaterThan(0);
    expect(after.recommendations.requestId).not.toBe(before.recommendations.requestId);
    expect(after.recommendations.nodes).not.toEqual(before.recommendations.nodes);
    const [artist] = after.artists;
    await send('mutation ($ids: [ID!]) { setPreferences(input: { artistIds: $ids }) { __typename } }', {
      ids: [artist!.id],
    });
    const later = await begin();
    expect(later.artists.map(({ id }) => id)).not.toContain(artist!.id);
    expect(later.coverage).toBeGreaterThan(after.coverage);
  });
});

describe('[REC24] the summaries of a list', () => {
  const list = '{ recommendations(first: 20) { nodes { explanation { summary zh: summary(locale: ZH) } } } }';
  type Sentences = { recommendations: { nodes: { explanation: { summary: string; zh: string } }[] } };

  it.each(['of whom nothing is known', 'who liked one track', 'who liked three'])(
    'tell a listener %s one sentence three times at most, where nothing else can be said, and the same again',
    async (who) => {
      const { send, begin } = await asking(who);
      const { tracks } = await begin();
      const liked = { 'who liked one track': 1, 'who liked three': 3 }[who] ?? 0;
      for (const { id } of tracks.slice(0, liked)) {
        await send('mutation ($id: ID!) { setReaction(trackId: $id, reaction: LIKE) { __typename } }', { id });
      }
      const sentences = ((await send(list)) as Sentences).recommendations.nodes.map(({ explanation }) => explanation);
      for (const locale of ['summary', 'zh'] as const) {
        const told = sentences.map((one) => one[locale]);
        const most = Math.max(...told.map((one) => told.filter((other) => other === one).length));
        expect([who, most <= 3, told]).toEqual([who, true, told]);
      }
      const shorter = (await send(list.replace('20', '5'))) as Sentences;
      expect(shorter.recommendations.nodes.map(({ explanation }) => explanation)).toEqual(sentences.slice(0, 5));
    },
  );

  it('[REC25] links add up to what the feedback contributes, and the reasons to the score', async () => {
    const { send, begin } = await asking('who adds up');
    const { tracks } = await begin();
    for (const { id } of tracks.slice(0, 4)) {
      await send('mutation ($id: ID!) { setReaction(trackId: $id, reaction: LIKE) { __typename } }', { id });
    }
    const { recommendations } = (await send(`{ recommendations(first: 40) { nodes { score explanation { baseline
      reasons(first: 100) { contribution ... on HistoryReason { links { kind names contribution } } } } } } }`)) as {
      recommendations: {
        nodes: {
          score: number;
          explanation: {
            baseline: number;
            reasons: {
              contribution: number;
              links?: { kind: string; names: string[]; contribution: number }[];
            }[];
          };
        }[];
      };
    };
    const kinds = new Set<string>();
    for (const { score, explanation } of recommendations.nodes) {
      const sum = explanation.reasons.reduce((all, { contribution }) => all + contribution, explanation.baseline);
      expect(sum).toBeCloseTo(score, 6);
      for (const { contribution, links } of explanation.reasons) {
        if (!links) continue;
        expect(links.reduce((all, link) => all + link.contribution, 0)).toBeCloseTo(contribution, 9);
        for (const { kind, names } of links) {
          kinds.add(kind);
          expect([kind, names.length > 0]).toEqual([kind, kind !== 'LISTENERS']);
        }
      }
    }
    expect([...kinds].sort()).toEqual(expect.arrayContaining(['LISTENERS', 'SHARED_GENRE', 'SHARED_TAG']));
  });
});
