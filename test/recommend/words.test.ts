import { expect, test } from 'vitest';
import { reasonSentence } from '../../src/recommend/explain/summary.ts';
import { Neighbours } from '../../src/recommend/model/neighbours.ts';
import { noWeights } from '../../src/recommend/model/weights.ts';
import { termsOf } from '../../src/recommend/ranking/terms.ts';
import { type Taste } from '../../src/recommend/taste/taste.ts';
import { snapshotOf } from '../support/recommend/snapshots.ts';

const names = [
  ['Jóga', 'Björk'],
  ['Don’t Stop Believin’', 'Journey'],
  ['İstanbul', 'Dünyanın Işığı'],
  ['上を向いて歩こう', '坂本九'],
  ['Thunderstruck', 'AC/DC'],
  ['Halo', 'Beyonce\u0301'],
] as const;

const snapshot = snapshotOf({
  tracks: names.map(([title], i) => ({
    ...{ id: i + 1, title, artistId: i + 1, releaseYear: null, durationMs: null, explicit: false },
    ...{ popularity: 0, recentListeners: 0, allTimeListeners: null, rejecters: 0, withdrawn: false },
  })),
  artists: names.map(([, name], i) => ({ id: i + 1, name })),
  genres: [{ id: 1, slug: 'chanson-francaise', name: 'Chanson française' }],
  trackGenres: [{ trackId: 1, genreId: 1, position: 0 }],
  trackTags: [{ trackId: 6, tag: 'rêveur', weight: 1 }],
});

const indifferent: Taste = {
  ...{ history: [], genres: [], artistIds: [], tags: [], text: null, contextText: null, seedTrackIds: [] },
  ...{ allowExplicit: true, withoutPopularity: true },
};
const neighbours = new Neighbours('version', snapshot, noWeights);
const spokenFor = (taste: Partial<Taste>): number[] =>
  termsOf({ ...indifferent, ...taste }, snapshot, neighbours).flatMap(({ vector }) => [...vector.indices]);

test.each([
  ['bjork', 0],
  ['CHANSON FRANCAISE', 0],
  ['dont', 1],
  ["Don't", 1],
  ['ISTANBUL', 2],
  ['isigi', 2],
  ['坂本', 3],
  ['acdc', 4],
  ['ac/dc', 4],
  ['beyonc\u00e9', 5],
  ['Reveur', 5],
])('[FIND1] “%s” finds what a person means, in a request or a preference', (text, index) => {
  expect(spokenFor({ contextText: text })).toEqual([index]);
  expect(spokenFor({ text })).toEqual([index]);
});

test('[FIND1] a stated tag is the same tag with and without accents', () => {
  expect(spokenFor({ tags: ['reveur'] })).toEqual([5]);
  expect(spokenFor({ tags: ['RE\u0302VEUR'] })).toEqual([5]);
});

test('[REC3] a reason names words as the listener wrote them', () => {
  const sentence = reasonSentence(
    { form: 'stated', source: { kind: 'context', text: 'Something by Bjørk' }, isFor: true },
    0,
    snapshot,
    'EN',
  );
  expect(sentence).toBe('You asked for “bjørk”.');
});
