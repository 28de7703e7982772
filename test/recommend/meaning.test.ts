import { expect, it } from 'vitest';
import { DictionaryVectors } from '../support/recommend/dictionary-vectors.ts';
import { startRecommending } from '../support/recommend/recommending.ts';

const tracks = [
  { externalId: 'grey', title: 'Grey', artist: 'Ann', genres: ['Ambient'], tags: ['melancholy'] },
  { externalId: 'slow', title: 'Slow', artist: 'Ben', genres: ['Ambient'], tags: [] },
  { externalId: 'jump', title: 'Jump', artist: 'Cat', genres: ['Dance'], tags: ['party'] },
  { externalId: 'rain', title: 'Rain', artist: 'Dan', genres: ['Rock'], tags: [] },
];

/** Directions of what is said: quiet and lively. Of anything else there is none. */
const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ...{ 'something for a rainy drive': [1, 0], melancholy: [0.9, 0.1], Ambient: [0.8, 0], Dance: [0, 0.9] },
  ...{ party: [0, 1], 'something but': [1, 0], 'sad gloomy': [1, 0] },
};

async function start() {
  const vectors = new DictionaryVectors(DIRECTIONS);
  const room = await startRecommending(tracks, { vectors });
  const viewer = await room.heard('eve', []);
  const page = (text: string) =>
    room.recommender.recommend(viewer.listener.id, { diversity: 0, context: { text } }, { first: 10 });
  return { ...room, vectors, viewer, page };
}

it('[MEANING1] a text counts for tracks whose genres and tags are close to its meaning, and words count as ever', async () => {
  const { externalIdsOf, page } = await start();
  const found = await page('something for a rainy drive');
  // “Rain” has a word of it; “Grey” is closest in meaning, then “Slow”.
  const score = new Map(externalIdsOf(found).map((id, i) => [id, found.edges[i]?.node.score ?? 0]));
  expect(score.get('grey')).toBeGreaterThan(score.get('slow') ?? 0);
  expect(score.get('slow')).toBeGreaterThan(score.get('jump') ?? 0);
  expect(found.contextWords.find(({ text }) => text === 'drive')?.match).toBe('UNMATCHED');
});

it('[MEANING2] its reason adds up, says what is close, and is recomputed without it', async () => {
  const { externalIdsOf, page } = await start();
  const found = await page('something for a rainy drive');
  const at = externalIdsOf(found).indexOf('grey');
  const explanation = found.edges[at]?.node.explanation;
  const reasons = explanation?.reasons ?? [];
  const sum = reasons.reduce((total, { contribution }) => total + contribution, explanation?.baseline ?? 0);
  expect(sum).toBeCloseTo(found.edges[at]?.node.score ?? NaN, 12);
  const reason = reasons.find(({ contribution }) => contribution > 0.2);
  expect(reason?.summary('EN')).toBe(
    'You asked for “something for a rainy drive”, and it is close to that as “melancholy” and “ambient”.',
  );
  expect(reason?.summary('ZH')).toContain('“melancholy”');
  expect(reason?.without().score).toBeCloseTo((found.edges[at]?.node.score ?? NaN) - (reason?.contribution ?? NaN), 12);
});

it('[MEANING3] without an encoder a text counts by its words alone, and a list goes on as it was begun', async () => {
  const { vectors, viewer, recommender, page, externalIdsOf, list } = await start();
  const query = { diversity: 0, context: { text: 'something for a rainy drive' } };
  const whole = externalIdsOf(await page('something for a rainy drive'));
  const first = await recommender.recommend(viewer.listener.id, query, { first: 2 });
  vectors.available = false;
  const after = first.edges[1]?.cursor ?? '';
  const second = await recommender.recommend(viewer.listener.id, query, { first: 2, after });
  expect([...externalIdsOf(first), ...externalIdsOf(second)]).toEqual(whole);
  expect(await list(viewer, { context: { text: 'rain' } })).toHaveLength(4);
});

it('[MEANING1] names are encoded once, and what is not wanted is not meant', async () => {
  const { vectors, page } = await start();
  await page('something for a rainy drive');
  const names = vectors.asked.filter((text) => text in DIRECTIONS && !text.startsWith('something'));
  expect(names.sort()).toEqual(['Ambient', 'Dance', 'melancholy', 'party']);
  await page('something for a rainy drive');
  const { edges } = await page('something but not ambient, not melancholy');
  expect(vectors.asked.filter((text) => text === 'melancholy')).toHaveLength(1);
  for (const { node } of edges)
    for (const { contribution } of node.explanation.reasons) expect(contribution).toBeLessThan(0.2);
});

it('[MEANING4] a draft’s mood is a term of its own', async () => {
  const { viewer, recommender, externalIdsOf, idOf } = await start();
  const context = { mood: { draftId: 'd', words: 'sad gloomy' } };
  const found = await recommender.recommend(viewer.listener.id, { diversity: 0, context }, { first: 4 });
  expect(externalIdsOf(found).slice(0, 2)).toEqual(['grey', 'slow']);
  const explained = await recommender.explain(viewer.listener.id, idOf('grey'), { context });
  const [reason] = explained?.explanation.reasons ?? [];
  expect(reason?.summary('EN')).toBe('It fits the mood of your draft (sad gloomy) as “melancholy” and “ambient”.');
  expect(reason?.without().score).toBeCloseTo((explained?.score ?? NaN) - (reason?.contribution ?? NaN), 12);
});
