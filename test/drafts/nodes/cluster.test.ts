import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { connect, type Database } from '../../../src/db/client.ts';
import { createDrafts, type Draft, type DraftEvent, type Drafts, joinNodes } from '../../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import { createRemoteEngine } from '../../../src/ml/engine.ts';
import { type Script, ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';
import { testDatabase, testMasterKeys } from '../../support/postgres/database.ts';
import { eventually } from '../../support/time/eventually.ts';
import { ManualSleep } from '../../support/time/manual-sleep.ts';

let database: Database;
let wakeups: LocalWakeups;
let ann: Viewer;
let bob: Viewer;
/** A clock on the wall that the test sets. */
let wall: { offset: number; clock: Clock };
const HOUR = 3_600_000;

beforeEach(async () => {
  database = await testDatabase();
  wakeups = new LocalWakeups();
  wall = { offset: 0, clock: { now: () => Date.now() + wall.offset, monotonic: () => performance.now() } };
  const listeners = createListeners({ database, wakeups, clock: wall.clock });
  const viewer = async (name: string): Promise<Viewer> => ({
    listener: await listeners.ensure(name),
    roles: new Set(['LISTENER']),
  });
  [ann, bob] = [await viewer('ann'), await viewer('bob')];
});

/** A node that serves and writes; its heart beats when the test lets time pass. */
async function writingNode(script: Script = {}, itsDatabase = database) {
  const engine = new ScriptedEngine(script);
  const time = new ManualSleep();
  const models = () => engine.models();
  const shared = { database: itsDatabase, wakeups, log: silentLogger };
  const node = await joinNodes({ ...shared, models, sleep: time.sleep });
  const drafts = createDrafts({ ...shared, engine, clock: wall.clock, node });
  drafts.recover();
  onTestFinished(() => drafts[Symbol.asyncDispose]());
  /** So many heartbeats, each of which has been answered when the next begins. */
  const beat = async (times = 1): Promise<void> => {
    for (let i = 0; i < times; i++) {
      time.pass();
      while (time.sleepers === 0) await new Promise(setImmediate);
    }
  };
  return { engine, node, drafts, beat };
}

/** A node that serves and leaves writing to the others. */
async function servingNode(queue: number) {
  const time = new ManualSleep();
  const node = await joinNodes({ database, wakeups, log: silentLogger, models: () => [], sleep: time.sleep });
  const engine = createRemoteEngine(() => node.models());
  const backlog = { queue };
  return createDrafts({ database, engine, wakeups, clock: wall.clock, log: silentLogger, node, backlog });
}

const poem = (maxTokens = 12) =>
  ({ kind: 'POEM', prompt: 'Snow on the sea', sampling: { maxTokens, seed: 3 } }) as const;

async function whole(drafts: Drafts, draft: Draft): Promise<Draft> {
  const events: DraftEvent[] = [];
  const start = drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 });
  for await (const event of drafts.follow(ann, draft.id, start)) events.push(event);
  const end = (await drafts.byIds(ann, [draft.id])).get(draft.id) as Draft;
  expect(events.map((event) => (event.type === 'tokens' ? event.text : '')).join('')).toBe(end.text);
  return end;
}

async function untilWritten(drafts: Drafts, { id }: Draft, sequence: number): Promise<void> {
  while ((await drafts.byIds(ann, [id])).get(id)!.sequence < sequence) await new Promise(setImmediate);
}

const expected = (engine: ScriptedEngine, draft: Draft): string =>
  scriptedText({ messages: engine.requests[0]?.messages ?? [], sampling: draft.sampling });

it('[OWN1] [OWN2] [OWN7] a node without heartbeats loses its drafts, and another finishes them with the same text', async () => {
  const [dying, living] = [await writingNode({ granted: 5 }), await writingNode()];
  const draft = await dying.drafts.start(ann, poem());
  await untilWritten(dying.drafts, draft, 7);
  await living.beat(3);
  expect((await dying.drafts.byIds(ann, [draft.id])).get(draft.id)?.status).toBe('GENERATING');
  await living.beat(3);
  const end = await whole(living.drafts, draft);
  expect(end).toMatchObject({ status: 'COMPLETED', text: expected(dying.engine, draft) });
  expect(living.engine.requests[0]?.replay).toHaveLength(5);
  // It was only slow: what it writes now comes too late, and it is a new node from its next heartbeat on.
  dying.engine.grant(Infinity);
  const before = dying.node.id;
  await dying.beat();
  expect(dying.node.id).not.toBe(before);
  expect(await whole(living.drafts, draft)).toEqual(end);
  await whole(dying.drafts, await dying.drafts.start(ann, poem()));
});

it('[OWN8] what a node leaves is taken up by a node that computes as it did, not by one that computes otherwise', async () => {
  const leaving = await writingNode({ granted: 0, fingerprint: 'one' });
  const other = await writingNode({ fingerprint: 'other' });
  const begun = await Promise.all(Array.from({ length: 6 }, () => leaving.drafts.start(ann, poem())));
  for (const draft of begun) await untilWritten(leaving.drafts, draft, 2);
  const alike = await writingNode({ fingerprint: 'one' });
  await leaving.drafts[Symbol.asyncDispose]();
  await leaving.node[Symbol.asyncDispose]();
  for (const draft of begun) {
    const { usage } = await whole(alike.drafts, draft);
    expect(usage).toMatchObject({ computedBy: 'one' });
    expect(usage).not.toHaveProperty('continuedElsewhere');
  }
  expect(other.engine.requests).toEqual([]);
});

it('[OWN2] a node whose connection was seen to go is given up after fewer checks', async () => {
  const dyingDatabase = connect(database.url, { masterKeys: testMasterKeys() });
  await dyingDatabase.listen(
    'anything',
    () => undefined,
    () => undefined,
  );
  const [dying, living] = [await writingNode({ granted: 5 }, dyingDatabase), await writingNode()];
  const draft = await dying.drafts.start(ann, poem());
  await untilWritten(dying.drafts, draft, 7);
  await living.beat(2);
  expect((await living.drafts.byIds(ann, [draft.id])).get(draft.id)?.status).toBe('GENERATING');
  await dyingDatabase[Symbol.asyncDispose]();
  await eventually(async () => {
    const { sql } = database;
    expect(await sql`select from pg_stat_activity where application_name = ${dyingDatabase.listenerName}`).toEqual([]);
  });
  await living.beat(1);
  expect(await whole(living.drafts, draft)).toMatchObject({ text: expected(dying.engine, draft) });
});

it('[OWN2] [OWN7] a node that shuts down cleanly frees its drafts at once', async () => {
  const [leaving, staying] = [await writingNode({ granted: 5 }), await writingNode()];
  const draft = await leaving.drafts.start(ann, poem());
  await untilWritten(leaving.drafts, draft, 7);
  await leaving.drafts[Symbol.asyncDispose]();
  await leaving.node[Symbol.asyncDispose]();
  expect(await whole(staying.drafts, draft)).toMatchObject({ text: expected(leaving.engine, draft) });
});

it('[OWN5] clocks that jump back and forth by an hour cost nobody a draft', async () => {
  const [one, two] = [await writingNode({ granted: 0 }), await writingNode({ granted: 0 })];
  const nodes = [one.node.id, two.node.id];
  const drafts = [await one.drafts.start(ann, poem(40)), await two.drafts.start(ann, poem(40))];
  for (const offset of [HOUR, -HOUR, HOUR, 0, -HOUR, HOUR]) {
    wall.offset = offset;
    one.engine.grant(5);
    two.engine.grant(5);
    for (let i = 0; i < 5; i++) await Promise.all([one.beat(), two.beat()]);
  }
  one.engine.grant(Infinity);
  two.engine.grant(Infinity);
  expect(await whole(two.drafts, drafts[0] as Draft)).toMatchObject({ text: expected(one.engine, drafts[0] as Draft) });
  expect(await whole(one.drafts, drafts[1] as Draft)).toMatchObject({ text: expected(two.engine, drafts[1] as Draft) });
  expect([one.node.id, two.node.id]).toEqual(nodes);
  expect([one.engine.requests.length, two.engine.requests.length]).toEqual([1, 1]);
});

describe('[OWN4] a node without an engine', () => {
  it('knows the models of the others, and without a ready one refuses with a typed error', async () => {
    const alone = await servingNode(2);
    await expect(alone.start(ann, poem())).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    const writing = await writingNode();
    const serving = await servingNode(2);
    const end = await whole(serving, await serving.start(ann, poem()));
    expect(end).toMatchObject({ status: 'COMPLETED', text: expected(writing.engine, end) });
  });

  it('admits as many drafts as may wait in the database, and reports when a place is free', async () => {
    const writing = await writingNode({ granted: 0, queue: 1 });
    const serving = await servingNode(2);
    const started = [await serving.start(ann, poem())];
    await untilWritten(serving, started[0] as Draft, 2);
    const shared = { ...poem(), visibility: 'SHARED' } as const;
    started.push(await serving.start(ann, poem()), await serving.start(bob, shared));
    const refused = await serving.start(ann, poem()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'OVERLOADED' });
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    const many = await Promise.allSettled(Array.from({ length: 10 }, () => serving.start(ann, poem())));
    expect(many.map(({ status }) => status)).toEqual(many.map(() => 'rejected'));
    writing.engine.grant(Infinity);
    for (const draft of started) expect(await whole(serving, draft)).toMatchObject({ status: 'COMPLETED' });
  });

  it('[FAIR2] [OWN3] keeps places for others, and the next draft is of the listener with the fewest being written', async () => {
    const writing = await writingNode({ granted: 0, queue: 2 });
    const serving = await servingNode(6);
    const greedy = await serving.start(ann, poem());
    await untilWritten(serving, greedy, 2);
    const many = await Promise.allSettled(Array.from({ length: 20 }, () => serving.start(ann, poem())));
    const waiting = async () =>
      (await database.sql<{ n: number }[]>`select count(*)::int as n from drafts where owner is null`)[0]?.n;
    await expect.poll(waiting).toBe(3);
    const refusals = many.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    expect(refusals.length).toBeGreaterThanOrEqual(15);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        code: 'OVERLOADED',
        message: expect.stringContaining('reserved for other listeners') as string,
      });
    }
    const other = await serving.start(bob, poem());
    // Two of Ann's are written and three wait, all of them from before Bob's.
    writing.engine.grant(24);
    await expect.poll(async () => (await serving.byIds(bob, [other.id])).get(other.id)?.status).toBe('GENERATING');
    expect(await waiting()).toBeGreaterThan(0);
    writing.engine.grant(Infinity);
    await expect.poll(waiting).toBe(0);
  });

  it('[DRAFT5] cancels, continues and deletes what another node writes', async () => {
    const writing = await writingNode({ granted: 5 });
    const serving = await servingNode(2);
    const draft = await serving.start(ann, poem());
    await untilWritten(serving, draft, 7);
    const cancelled = await serving.cancel(ann, draft.id);
    const sampling = { ...draft.sampling, maxTokens: 5 };
    const text = scriptedText({ messages: writing.engine.requests[0]?.messages ?? [], sampling });
    expect(cancelled).toMatchObject({ status: 'CANCELLED', text });
    writing.engine.grant(Infinity);
    const more = await serving.continue(ann, { draftId: draft.id, instruction: 'More', sampling: { maxTokens: 5 } });
    expect((await whole(serving, more)).text.startsWith(`${text}\n\n`)).toBe(true);
    const other = await serving.start(ann, poem(4_000));
    await serving.delete(ann, other.id);
    expect((await serving.byIds(ann, [other.id])).size).toBe(0);
    expect(await whole(serving, await serving.start(ann, poem()))).toMatchObject({ status: 'COMPLETED' });
  });
});

it('[LOG8] a reader from before a compaction gets a snapshot, never a gap', async () => {
  const { drafts } = await writingNode();
  const draft = await whole(drafts, await drafts.start(ann, poem()));
  expect(await drafts.compact(new Date(Date.now() + HOUR), 10)).toBe(1);
  const read = async (after: number) => {
    const events: DraftEvent[] = [];
    const cursor = drafts.cursorOf({ ...draft, sequence: after });
    for await (const event of drafts.follow(ann, draft.id, cursor)) events.push(event);
    return events;
  };
  const snapshot = {
    type: 'snapshot',
    cursor: drafts.cursorOf(draft),
    draft: { text: draft.text, status: 'COMPLETED' },
  };
  expect(await read(0)).toMatchObject([snapshot]);
  expect(await read(draft.sequence - 1)).toMatchObject([snapshot]);
  expect(await read(draft.sequence)).toEqual([]);
  const more = await drafts.continue(ann, {
    draftId: draft.id,
    instruction: 'And the moon',
    sampling: { maxTokens: 3 },
  });
  const end = (await drafts.byIds(ann, [more.id])).get(more.id);
  const later = await read(draft.sequence);
  expect(later.map((event) => (event.type === 'tokens' ? event.text : '')).join('')).toMatch(/^\n\n[^]/);
  expect((await read(3)).slice(0, 1)).toMatchObject([{ type: 'snapshot' }]);
  expect(end?.text.startsWith(`${draft.text}\n\n`)).toBe(true);
});
