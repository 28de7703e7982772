import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import type { Database } from '../../src/db/client.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners, type FeedbackKind, type Listeners, type Viewer } from '../../src/listeners/listeners.ts';
import { createRecommender, type RecommendationPage, type Recommender } from '../../src/recommend/recommender.ts';
import { trainWeights } from '../../src/recommend/train/train-weights.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { createDatabase } from '../support/postgres/database.ts';

let database: Database;
let wakeups: LocalWakeups;
let listeners: Listeners;
let recommender: Recommender;
let ids: number[];
let ann: Viewer;
let sequence = 0;

beforeAll(async () => {
  database = await createDatabase();
  wakeups = new LocalWakeups();
  listeners = createListeners({ database, wakeups, clock: systemClock });
  ({ ids } = await addTracks(database, [
    ...someTracks(60),
    { externalId: 'artist', title: 'Radiohead', artist: 'Radiohead', genres: ['Rock'], tags: ['moody'] },
  ]));
  recommender = await open();
});
afterAll(async () => {
  await recommender[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  const listener = await listeners.ensure(`ann ${sequence++}`);
  ann = { listener, roles: new Set() };
});

function open(): Promise<Recommender> {
  const parts = { database, wakeups, clock: systemClock };
  return createRecommender({ ...parts, catalogue: createCatalogue(parts), listeners, log: silentLogger });
}
const react = (i: number, kind: FeedbackKind) => listeners.record(ann, { trackId: ids[i]!, kind });
const list = (query = {}, first = 5, after: string | null = null) =>
  recommender.recommend(ann.listener.id, query, { first, after });
const trackIds = (page: RecommendationPage) => page.edges.map(({ node }) => node.trackId);
const cursorOf = (page: RecommendationPage) => page.edges.at(-1)!.cursor;
const isStored = async ({ requestId }: RecommendationPage) => {
  const rows = await database.sql`select 1 from recommendation_lists where id = ${requestId}`;
  return rows.length === 1;
};
const stored = (page: RecommendationPage) => expect.poll(() => isStored(page)).toBe(true);

describe('lists that are continued', () => {
  it('[REC7] a filter of several conditions is the same after the list was stored', async () => {
    const query = { filter: { releaseYear: { min: 1950, max: 2100 }, genres: ['jazz', 'rock'], explicit: false } };
    const page = await list(query);
    await stored(page);
    const next = await list(
      { filter: { explicit: false, genres: ['jazz', 'rock'], releaseYear: { max: 2100, min: 1950 } } },
      5,
      cursorOf(page),
    );
    expect(trackIds(next).some((id) => trackIds(page).includes(id))).toBe(false);
    const other = { filter: { ...query.filter, releaseYear: { min: 1951, max: 2100 } } };
    await expect(list(other, 5, cursorOf(page))).rejects.toMatchObject({ field: 'after' });
  });

  it('[REC7] a list that the database refuses does not prevent others from being stored', async () => {
    await recommender.recommend(999_999, {}, { first: 5 });
    await stored(await list());
  });

  it('[REC7] another process waits for a list that is still being written', async () => {
    const page = await list();
    await stored(page);
    const hidden = '00000000-0000-4000-8000-000000000000';
    await database.sql`update recommendation_lists set id = ${hidden} where id = ${page.requestId}`;
    const other = await open();
    const next = other.recommend(ann.listener.id, {}, { first: 5, after: cursorOf(page) });
    await database.sql`update recommendation_lists set id = ${page.requestId} where id = ${hidden}`;
    expect(trackIds(await next).some((id) => trackIds(page).includes(id))).toBe(false);
    await other[Symbol.asyncDispose]();
  });

  it('[REC7] a list continues with the version that it was begun with, even in a process that never served it', async () => {
    await react(0, 'LIKE');
    await recommender.train();
    const whole = await list({}, 20);
    const page = await list({}, 10);
    await stored(page);
    await react(1, 'DISLIKE');
    await recommender.train();
    const other = await open();
    const next = await other.recommend(ann.listener.id, {}, { first: 10, after: cursorOf(page) });
    await other[Symbol.asyncDispose]();
    expect(next.modelVersion).toBe(page.modelVersion);
    expect([...trackIds(page), ...trackIds(next)]).toEqual(trackIds(whole));
    expect((await list()).modelVersion).not.toBe(page.modelVersion);
  });

  it('[REC7] an empty cursor counts as none', async () => {
    await expect(list({}, 5, '')).rejects.toMatchObject({ name: 'InvalidInputError', field: 'after' });
  });

  it('[PAGE2] pages of similar tracks continue after the last one, although the catalogue has grown', async () => {
    const whole = trackIds(await recommender.similar(ids[0]!, { first: 20 }));
    const page = await recommender.similar(ids[0]!, { first: 5 });
    await addTracks(database, [
      { externalId: `near ${sequence}`, title: 'Near', artist: 'Artist 0', genres: ['Jazz'], tags: ['tag 0'] },
    ]);
    wakeups.wake('catalogue');
    const next = await recommender.similar(ids[0]!, { first: 5, after: cursorOf(page) });
    expect(trackIds(next)).toEqual(whole.slice(5, 10));
  });
});

describe('refused', () => {
  it.each([
    ['filter.excludeGenres.0', { excludeGenres: ['\0'] }],
    ['filter.releaseYear', { releaseYear: { min: 2000, max: 1990 } }],
    ['filter.durationMs.min', { durationMs: { min: -1 } }],
    ['filter.artistIds', { artistIds: Array.from({ length: 101 }, (_, i) => i) }],
  ])('[ERR2] %s', async (field, filter) => {
    await expect(list({ filter })).rejects.toMatchObject({ name: 'InvalidInputError', field });
    await expect(recommender.explain(ann.listener.id, ids[0]!, { filter })).rejects.toMatchObject({ field });
  });

  it('[ERR2] a seed that is not a track, because it would have no effect', async () => {
    const context = { seedTrackIds: [ids[0]!, 999_999] };
    const refusal = { name: 'InvalidInputError', field: 'context.seedTrackIds.1' };
    await expect(list({ context })).rejects.toMatchObject(refusal);
    await expect(recommender.explain(ann.listener.id, ids[0]!, { context })).rejects.toMatchObject(refusal);
  });
});

describe('summaries', () => {
  it('[REC3] combine reactions of one kind, and name a track that stands for its artist once', async () => {
    for (const i of [0, 7, 14]) await react(i, 'LIKE');
    const { edges } = await list({}, 1);
    const { explanation } = edges[0]!.node;
    const titles = ['“Title 0” by Artist 0', '“Title 7” by Artist 0', '“Title 14” by Artist 0'];
    for (const title of titles) expect(explanation.summary('EN').split(title)).toHaveLength(2);
    expect(explanation.summary('EN')).toMatch(/^Because you liked “.*, “.* and “.*\.$/);
    expect(explanation.summary('ZH')).toMatch(/^因为你喜欢.*《.*》、.*《.*》和.*《.*》。$/);
    const alike = (await recommender.similar(ids[60]!, { first: 1 })).edges[0]!.node.explanation.reasons;
    const near = alike.find((reason) => reason.kind === 'preference')!;
    expect(near.summary('EN')).toBe('It is close to “Radiohead”.');
    expect(near.summary('ZH')).toBe('它与《Radiohead》相近。');
  });

  it('[REC3] name only the words of a text that describe the track', async () => {
    const text = 'jazz please, with nothing zzyzx about it';
    await listeners.setPreferences(ann.listener.id, { text });
    const { explanation } = (await list({}, 1)).edges[0]!.node;
    expect(explanation.summary('EN')).toContain('you wrote of “jazz”');
    expect(explanation.summary('EN')).not.toContain('zzyzx');
    expect(explanation.summary('ZH')).toContain('你提到过“jazz”');
    const asked = (await list({ context: { text: 'moody' } }, 1)).edges[0]!.node;
    expect(asked.trackId).toBe(ids[60]);
    expect(asked.explanation.summary('EN')).toContain('you asked for “moody”');
  });

  it('[REC3] say “often” of what is played often', async () => {
    await database.sql`insert into feedback (listener_id, track_id, kind, plays, at)
      values (${ann.listener.id}, ${ids[0]!}, 'PLAY', 40, now())`;
    const reasons = (await list({}, 1)).edges[0]!.node.explanation.reasons;
    expect(reasons.map((reason) => reason.summary('EN'))).toContain('You often play “Title 0” by Artist 0.');
    expect(reasons.map((reason) => reason.summary('ZH'))).toContain('你常听Artist 0 的《Title 0》。');
  });
});

describe('excluded from lists', () => {
  it('[REC6] what was imported, which wakes no listener', async () => {
    const before = await list();
    const [heard] = trackIds(before);
    await database.sql`insert into feedback (listener_id, track_id, kind, at)
      values (${ann.listener.id}, ${heard!}, 'LIKE', now())`;
    wakeups.wake('import');
    wakeups.wake('catalogue');
    await expect.poll(async () => trackIds(await list())).not.toContain(heard);
  });

  it('[REC4] a track that was hidden long ago, however much was heard since', async () => {
    await react(3, 'HIDE');
    await database.sql`insert into tracks (external_id, title, artist_id, explicit)
      select 'many ' || n, 'Many', (select artist_id from tracks where id = ${ids[0]!}), false
      from generate_series(1, 5001) n`;
    await database.sql`insert into feedback (listener_id, track_id, kind, at)
      select ${ann.listener.id}, id, 'PLAY', now() + interval '1 hour' from tracks where external_id like 'many %'`;
    wakeups.wake('catalogue');
    const other = await open();
    const explained = await other.explain(ann.listener.id, ids[3]!, {});
    expect(explained?.excludedBy).toEqual(['HIDDEN']);
    await other[Symbol.asyncDispose]();
    await database.sql`delete from tracks where external_id like 'many %'`;
    wakeups.wake('catalogue');
  });
});

describe('live lists and training', () => {
  it('[LIVE1] returning ends an idle live list at once and leaves no watcher', async () => {
    await list();
    const watchers = wakeups.size;
    const lists = recommender.live(ann.listener.id, {}, 5, new AbortController().signal)[Symbol.asyncIterator]();
    await lists.next();
    const idle = lists.next();
    await lists.return?.();
    expect((await idle).done).toBe(true);
    expect(wakeups.size).toBe(watchers);
  });

  it('two trainings within a second produce two versions', async () => {
    await react(0, 'LIKE');
    const versions = [await recommender.train(), await recommender.train()];
    expect(new Set(versions).size).toBe(2);
    expect((await list()).modelVersion).toBe(versions[1]);
  });

  it('training ends at once when its signal aborts', async () => {
    const histories = Array.from({ length: 30 }, (_, u) => [{ trackId: u + 1, strength: 1 }]);
    const ending = new AbortController();
    const training = trainWeights(histories, undefined, { signal: ending.signal });
    ending.abort();
    await expect(training).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['one listener, one track', [[1]]],
    ['everybody the same', Array.from({ length: 12 }, () => [1, 2, 3])],
    ['nobody', []],
  ])('[REC8] trained on %s, weights are finite', async (_, heard) => {
    const weights = await trainWeights(heard.map((row) => row.map((trackId) => ({ trackId, strength: 1 }))));
    expect([...weights.values].every(Number.isFinite)).toBe(true);
    expect(weights.starts).toHaveLength(weights.ids.length + 1);
  });
});
