import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { insertDrafts } from '../../../src/db/drafts/draft-inserts.ts';
import { createDrafts, type Draft, type Drafts } from '../../../src/drafts/drafts.ts';
import { storedEvent } from '../../../src/drafts/log/stored.ts';
import { Disposal } from '../../../src/lib/async/disposal.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { OverloadedError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import type { Engine } from '../../../src/ml/engine.ts';
import { firstEvents, newDraft, samplingOf } from '../../support/drafts/new-draft.ts';
import { createDatabase, testDatabase } from '../../support/postgres/database.ts';
import { TINY, tinyEngine, writeTirelessCatalogue } from '../../support/tiny/tiny-engine.ts';

let database: Database;
let engine: Engine;
let drafts: Drafts;
let ann: Viewer;
let others: Viewer[];
const parts = new Disposal();

/** Two slots and six places to wait, and a model that writes until its last token. */
beforeAll(async () => {
  database = parts.use(await createDatabase());
  const dataDir = await mkdtemp(join(tmpdir(), 'cadenza-'));
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
  const catalogueFile = await writeTirelessCatalogue(dataDir);
  engine = parts.use(await tinyEngine(dataDir, { catalogueFile, slots: 2, queue: 6 }));
  const wakeups = new LocalWakeups();
  drafts = parts.use(createDrafts({ database, engine, wakeups, clock: systemClock, log: silentLogger }));
  const listeners = createListeners({ database, wakeups, clock: systemClock });
  const viewer = async (name: string): Promise<Viewer> => ({
    listener: await listeners.ensure(name),
    roles: new Set(),
  });
  ann = await viewer('ann');
  others = await Promise.all(['bob', 'cleo', 'dan', 'eve'].map(viewer));
});
afterAll(() => parts[Symbol.asyncDispose]());

const story = (maxTokens: number) => ({ kind: 'STORY', prompt: 'Snow', sampling: { maxTokens, seed: 1 } }) as const;

/** Those that were started, and why the others were not. */
async function startMany(viewer: Viewer, count: number, maxTokens: number) {
  const all = await Promise.allSettled(Array.from({ length: count }, () => drafts.start(viewer, story(maxTokens))));
  const started = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refusals = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as OverloadedError] : []));
  return { started, refusals };
}

const cancelAll = (viewer: Viewer, started: readonly Draft[]) =>
  Promise.all(started.map(({ id }) => drafts.cancel(viewer, id)));

it('[FAIR1] a listener that starts as many long drafts as there are places gets half of them, and all others find a place', async () => {
  const greedy = await startMany(ann, 32, 3_000);
  expect(greedy.started).toHaveLength(4);
  for (const refusal of greedy.refusals) {
    expect(refusal).toBeInstanceOf(OverloadedError);
    expect(refusal.message).toContain('the remaining capacity is reserved for other listeners');
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
  }
  const each = await Promise.all(others.map((viewer) => drafts.start(viewer, story(3_000))));
  expect(each).toHaveLength(4);
  // All are taken now: whoever comes hears so, with another reason.
  const full = await startMany(ann, 1, 10);
  expect(full.refusals[0]?.message).toContain('its queue of 6 drafts is full');
  await cancelAll(ann, greedy.started);
  await Promise.all(each.map(({ id }, i) => drafts.cancel(others[i] as Viewer, id)));
});

it('[FAIR1] continuing a draft takes a place too', async () => {
  const first = await drafts.start(ann, story(2));
  const status = async () => (await drafts.byIds(ann, [first.id])).get(first.id)?.status;
  await expect.poll(status).toBe('COMPLETED');
  const { started } = await startMany(ann, 8, 3_000);
  expect(started).toHaveLength(4);
  const more = drafts.continue(ann, { draftId: first.id, sampling: { maxTokens: 10 } });
  await expect(more).rejects.toMatchObject({ code: 'OVERLOADED' });
  await cancelAll(ann, started);
});

it('[FAIR3] the time to retry grows with the work, and a place is free when the first draft has ended', async () => {
  const waitBehind = async (maxTokens: number) => {
    const { started, refusals } = await startMany(ann, 5, maxTokens);
    expect([started.length, refusals.length]).toEqual([4, 1]);
    return { started, wait: refusals[0]?.retryAfterMs ?? 0 };
  };
  const long = await waitBehind(3_000);
  await cancelAll(ann, long.started);
  const short = await waitBehind(200);
  expect(long.wait).toBeGreaterThan(5 * short.wait);
  const ended = async () => {
    const now = await drafts.byIds(
      ann,
      short.started.map(({ id }) => id),
    );
    return [...now.values()].some(({ status }) => status === 'COMPLETED');
  };
  await expect.poll(ended).toBe(true);
  await drafts.start(ann, story(10));
});

it('[FAIR2] [FAIR3] for drafts that wait in the database, it is computed from the slots of the writing nodes', async () => {
  const own = await testDatabase();
  const [{ id: one }, { id: two }] = await own.sql<[{ id: number }, { id: number }]>`
    insert into listeners (external_id, display_name) values ('one', 'One'), ('two', 'Two') returning id::int`;
  const forecast = { stepMs: 20, endsMs: [1_000, 3_000, 8_000] };
  const start = (listenerId: number, changes: object = {}) => {
    const sampling = samplingOf({ maxTokens: 100 });
    const queue = { most: 4, forecast };
    const draft = newDraft({ id: randomUUID(), listenerId, sampling, queue, forecast, ...changes });
    return insertDrafts(own, [{ draft, events: firstEvents().map(storedEvent) }]);
  };
  for (let i = 0; i < 2; i++) await start(one);
  await expect(start(one)).rejects.toMatchObject({
    retryAfterMs: 3_300,
    message: expect.stringContaining('you already have 2 drafts') as string,
  });
  await start(two);
  await expect(start(two)).rejects.toMatchObject({ retryAfterMs: 3_300 });
  await own.sql`update drafts set owner = gen_random_uuid(), status = 'GENERATING', sequence = 61 where listener_id = ${one}`;
  const limited = start(one, { mostAtOnce: 2, queue: { most: 10, forecast } });
  await expect(limited).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterMs: 880 });
});

it('the engine reports when its slots become free', async () => {
  const idle = () => engine.load().find(({ modelId }) => modelId === TINY)?.forecast.endsMs;
  await expect.poll(idle).toEqual([0, 0]);
  const { started } = await startMany(ann, 1, 3_000);
  await expect.poll(() => idle()?.[1]).toBeGreaterThan(0);
  await cancelAll(ann, started);
});
