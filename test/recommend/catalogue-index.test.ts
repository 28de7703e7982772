import { expect, it } from 'vitest';
import { createCatalogue, type TrackInput } from '../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { randomStream } from '../../src/lib/random.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { CatalogueIndex } from '../../src/recommend/model/catalogue-index.ts';
import type { Snapshot } from '../../src/recommend/model/snapshot.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { startRecommending } from '../support/recommend/recommending.ts';
import { eventually } from '../support/time/eventually.ts';

const NAMES = ['harbour', 'Lantern', 'meadow', 'Ночь', '夜', '😀 night'];
const TAGS = ['calm', 'rêveur', 'reveur', 'late night', 'Calm'];

function drawnTrack(random: () => number): TrackInput {
  const one = (names: readonly string[]) => names[Math.floor(random() * names.length)]!;
  return {
    externalId: `${one(['😀', '\uffee', 'a', 'z'])}${Math.floor(random() * 12)}`,
    title: `${one(NAMES)} ${one(NAMES)}`,
    artist: one(NAMES),
    releaseYear: random() < 0.5 ? 1990 : null,
    explicit: random() < 0.2,
    genres: ['Jazz', 'Rock', 'Soul'].filter(() => random() < 0.5),
    tags: TAGS.filter(() => random() < 0.4),
  };
}

/** All that ranking can ask of it. */
function contentOf(snapshot: Snapshot) {
  const { tracks, songs, meanPopularity, features, featureNames, byFeature } = snapshot;
  const words = ['harbour', 'lantern', 'meadow', 'ночь', '夜', 'night', 'calm', 'reveur', 'late', 'jazz', 'rock'];
  return {
    ...{ tracks, songs, meanPopularity, featureNames },
    features: tracks.map((_, index) => features.of(index)),
    indexOf: [...snapshot.indexOf],
    tracksOf: featureNames.map((_, feature) => byFeature.of(feature)),
    genres: ['jazz', 'rock', 'soul'].map((slug) => [snapshot.byGenre.get(slug), snapshot.genreNames.get(slug)]),
    artists: tracks.flatMap(({ artistIds }) =>
      artistIds.map((id) => [snapshot.byArtist.get(id), snapshot.artistNames.get(id)]),
    ),
    tags: TAGS.map((tag) => snapshot.byTag.get(tag)),
    words: words.map((word) => snapshot.byWord.get(word)),
  };
}

it('[INDEX1] [REC11] property: kept up by what changes, the index is the one that is made anew', async () => {
  const database = await testDatabase();
  const catalogue = createCatalogue({ database, clock: systemClock });
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  const random = randomStream(11);
  const { signal } = new AbortController();
  const kept = new CatalogueIndex(database, signal);
  const viewer = { listener: await listeners.ensure('ann'), roles: new Set(['LISTENER'] as const) };
  for (let round = 0; round < 40; round++) {
    const rows = await database.sql<{ id: number }[]>`select id::float8 as id from tracks`;
    const ids = rows.map(({ id }) => id).filter(() => random() < 0.3);
    const choice = random();
    if (choice < 0.5 || ids.length === 0) {
      const tracks = Array.from({ length: 1 + Math.floor(random() * 4) }, () => drawnTrack(random));
      await catalogue.upsertTracks([...new Map(tracks.map((track) => [track.externalId, track])).values()]);
    } else if (choice < 0.7) {
      await catalogue.withdrawTracks({ ids });
    } else if (choice < 0.95) {
      await listeners.recordBatch(
        viewer,
        ids.map((trackId) => ({ trackId, kind: random() < 0.5 ? ('LIKE' as const) : ('HIDE' as const) })),
      );
      await catalogue.refreshPopularity();
    } else {
      await database.sql`delete from tracks where id = ${ids[0]!}`;
    }
    const anew = await new CatalogueIndex(database, signal).refresh();
    expect(contentOf(await kept.refresh())).toEqual(contentOf(anew));
  }
  const same = await kept.refresh();
  expect(await kept.refresh()).toBe(same);
});

it('[INDEX1] popularity and withdrawals keep what was made of the tracks', async () => {
  const database = await testDatabase();
  const { catalogue, ids } = await addTracks(database, someTracks(20));
  const index = new CatalogueIndex(database, new AbortController().signal);
  const before = await index.refresh();
  await catalogue.withdrawTracks({ ids: [ids[3]!] });
  const after = await index.refresh();
  expect(after.tracks[after.indexOf.get(ids[3]!)!]).toMatchObject({ withdrawn: true, popularity: 0 });
  expect(after.indexOf).toBe(before.indexOf);
  expect(after.features).toBe(before.features);
  expect(before.tracks[before.indexOf.get(ids[3]!)!]).toMatchObject({ withdrawn: false });
});

it('[INDEX1] lists are served by the catalogue as it was until the new index is made, and then by that', async () => {
  const world = await startRecommending(someTracks(5));
  const ann = await world.heard('ann', []);
  const other = createCatalogue({ database: world.database, wakeups: world.wakeups, clock: systemClock });
  // Nobody can read artists, and so make the index, until this is over.
  let free: () => void = () => undefined;
  const busy = new Promise<void>((resolve) => (free = resolve));
  let isLocked: () => void = () => undefined;
  const locked = new Promise<void>((resolve) => (isLocked = resolve));
  const lock = world.database.sql.begin(async (tx) => {
    await tx`insert into tracks (external_id, title, artist_id) select 'fresh', 'Fresh', min(id) from artists`;
    await tx`lock table artists in access exclusive mode`;
    isLocked();
    await busy;
  });
  await locked;
  world.wakeups.wake('catalogue');
  expect(await world.list(ann)).toHaveLength(5);
  expect(await world.list(ann, { diversity: 0.5 })).toHaveLength(5);
  free();
  await lock;
  await other.withdrawTracks({ externalIds: ['t0'] });
  expect(await world.list(ann)).not.toContain('t0');
  await eventually(async () => {
    const page = await world.recommender.recommend(ann.listener.id, {}, { first: 10 });
    expect(page.edges).toHaveLength(5);
  });
});

it('[INDEX2] who has sent tracks finds them in the next list', async () => {
  const { graphqlUrl, database } = await startListening();
  for (let i = 0; i < 3; i++) {
    const input = [{ externalId: `sent ${i}`, title: `Sent ${i}`, artist: 'Somebody' }];
    await ask(graphqlUrl, 'mutation ($input: [TrackInput!]!) { upsertTracks(input: $input) { __typename } }', {
      input,
    });
    const { data } = await ask(graphqlUrl, '{ recommendations(first: 50) { nodes { track { id } } } }');
    const [row] = await database.sql<{ id: number }[]>`
      select id::float8 as id from tracks where external_id = ${`sent ${i}`}`;
    expect(JSON.stringify(data)).toContain(encodeId('Track', row!.id));
  }
});

it('[CAT6] popularity is refreshed by one of the nodes, and others are told only of a change', async () => {
  const world = await startRecommending(someTracks(5));
  const nodes = [new LocalWakeups(), new LocalWakeups()].map((wakeups) => {
    const told = { times: 0 };
    void (async () => {
      const changes = wakeups.watch('catalogue');
      await changes.next();
      for await (const _ of changes) told.times += 1;
    })();
    return { told, catalogue: createCatalogue({ database: world.database, wakeups, clock: systemClock }) };
  });
  const [first, second] = [nodes[0]!, nodes[1]!];
  const told = () => nodes.map((node) => node.told.times);
  await world.heard('ann', [['t1', 'LIKE']]);
  await first.catalogue.refreshPopularity(600_000);
  expect(told()).toEqual([1, 0]);
  await world.heard('ann', [['t2', 'LIKE']]);
  await second.catalogue.refreshPopularity(600_000);
  expect(told()).toEqual([1, 0]);
  await second.catalogue.refreshPopularity();
  expect(told()).toEqual([1, 1]);
  await first.catalogue.refreshPopularity();
  expect(told()).toEqual([1, 1]);
});
