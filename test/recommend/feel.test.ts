import { expect, it } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { importContent, sharedDatabase } from '../support/catalogue/importing.ts';
import { startRecommending } from '../support/recommend/recommending.ts';

const KEYS = ['valence', 'energy', 'tempo'].map((name) => ({ name, type: 'NUMBER' as const }));
const FEELS: Readonly<Record<string, object>> = {
  quiet: { valence: 0.25, energy: 0.2 },
  near: { valence: 0.35, energy: 0.3, tempo: 80 },
  wild: { valence: 0.9, energy: 0.95 },
  half: { valence: 0.25 },
  percent: { valence: 25, energy: 20 },
  none: {},
};
const tracks = Object.keys(FEELS).map((externalId) => ({ externalId, title: externalId, artist: externalId }));
const context = { mood: { draftId: 'd', words: '', feel: { valence: 0.25, energy: 0.2 } } };

async function start() {
  const room = await startRecommending(tracks);
  const { catalogue } = room;
  await catalogue.declareMetadataKeys(KEYS);
  await catalogue.upsertTracks(tracks.map((track) => ({ ...track, metadata: FEELS[track.externalId] })));
  const eve = await room.heard('eve', []);
  const list = () => room.recommender.recommend(eve.listener.id, { diversity: 0, context }, { first: 10 });
  const explained = (id: string) => room.recommender.explain(eve.listener.id, room.idOf(id), { context });
  return { ...room, list, explained };
}

it('[MEANING6] tracks whose numbers are close to a draft’s mood rank higher, the closest first', async () => {
  const { list, externalIdsOf } = await start();
  const page = await list();
  expect(externalIdsOf(page).slice(0, 2)).toEqual(['quiet', 'near']);
  const [first, second, ...others] = page.edges.map(({ node }) => node.score);
  expect((first ?? 0) - (others[0] ?? 0)).toBeCloseTo(0.3, 9);
  expect((second ?? 0) - (others[0] ?? 0)).toBeCloseTo(0.3 * (1 - Math.hypot(0.1, 0.1) / 0.5), 9);
  expect(new Set(others.map((score) => score.toFixed(9))).size).toBe(1);
});

it('[MEANING6] the reason has the numbers, adds up, and is recomputed without it', async () => {
  const { explained } = await start();
  const found = await explained('near');
  const [reason] = found?.explanation.reasons ?? [];
  const sum = found?.explanation.reasons.reduce((total, one) => total + one.contribution, found.explanation.baseline);
  expect(sum).toBeCloseTo(found?.score ?? NaN, 12);
  expect(reason?.summary('EN')).toBe(
    'Its valence and energy (0.35, 0.30) are close to those of your draft’s mood (0.25, 0.20).',
  );
  expect(reason?.summary('ZH')).toContain('0.35, 0.30');
  expect(reason).toMatchObject({ kind: 'preference', preference: 'valence 0.25, energy 0.20' });
  expect(reason?.without().score).toBeCloseTo((found?.score ?? NaN) - (reason?.contribution ?? NaN), 12);
  const without = await explained('percent');
  expect(without?.explanation.reasons.some((one) => one.summary('EN').includes('valence'))).toBe(false);
});

it('[MEANING6] a track that is measured later counts from then on', async () => {
  const { list, externalIdsOf, catalogue } = await start();
  expect(externalIdsOf(await list())[0]).toBe('quiet');
  const later = { externalId: 'none', title: 'none', artist: 'none', metadata: { valence: 0.25, energy: 0.2 } };
  await catalogue.upsertTracks([later, { externalId: 'quiet', title: 'quiet', artist: 'quiet' }]);
  expect(externalIdsOf(await list())[0]).toBe('none');
});

const theDatabase = sharedDatabase();

it('[MEANING6] an import fills declared keys from columns of their names, and takes no others', async () => {
  const database = theDatabase();
  await database.sql`delete from metadata_keys`;
  const csv = [
    'externalId,title,artist,valence,energy,tempo,metadata.tempo',
    't1,So What,Miles Davis,0.3,0.25,136,137',
  ];
  const before = await importContent(database, 'tracks', csv);
  expect(before.error).toContain('unknown column "valence"');
  const catalogue = createCatalogue({ database, clock: systemClock });
  await catalogue.declareMetadataKeys(KEYS);
  const { report, bad } = await importContent(database, 'tracks', csv);
  expect([report?.bad, bad]).toEqual([0, []]);
  const metadata = async () =>
    (await catalogue.detailsOfTracks([(await ids())[0] ?? 0])).values().next().value?.metadata;
  const ids = async () =>
    (await database.sql<{ id: number }[]>`select id::float8 as id from tracks`).map(({ id }) => id);
  expect(await metadata()).toEqual({ valence: 0.3, energy: 0.25, tempo: 137 });
  const wrong = await importContent(database, 'tracks', [csv[0] ?? '', 't1,So What,Miles Davis,much,0.25,,']);
  expect(wrong.bad.join()).toContain('valence');
});
