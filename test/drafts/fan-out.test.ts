import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { createDrafts, type DraftEvent, type Drafts } from '../../src/drafts/drafts.ts';
import { eventCursor } from '../../src/drafts/log/draft-cursor.ts';
import { PostgresLog } from '../../src/drafts/log/postgres/postgres-log.ts';
import { draftKey, rightsKey } from '../../src/drafts/wakeup-keys.ts';
import { LATER } from '../../src/lib/async/streams.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../src/listeners/listeners.ts';
import { heapInUse } from '../support/heap.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { testDatabase } from '../support/postgres/database.ts';

let database: Database;
let wakeups: LocalWakeups;
let engine: ScriptedEngine;
/** Of the node that writes, and of one that only reads. */
let writing: Drafts;
let reading: Drafts;
let ann: Viewer;
let bob: Viewer;
let statements: string[];

beforeEach(async () => {
  statements = [];
  database = await testDatabase({ onStatement: (text) => statements.push(text) });
  wakeups = new LocalWakeups();
  engine = new ScriptedEngine({ granted: 0 });
  const options = { database, wakeups, clock: systemClock, log: silentLogger, mostAtOnce: { listener: 2, visitor: 1 } };
  writing = createDrafts({ ...options, engine });
  reading = createDrafts({ ...options, engine: new ScriptedEngine() });
  // Its own wake-ups: what is counted at the end are those who follow drafts.
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  const viewer = async (name: string): Promise<Viewer> => ({
    listener: await listeners.ensure(name),
    roles: new Set(),
  });
  [ann, bob] = [await viewer('ann'), await viewer('bob')];
});

const start = (maxTokens = 20) =>
  writing.start(ann, { kind: 'POEM', prompt: 'Snow', visibility: 'SHARED', sampling: { maxTokens, seed: 7 } });

async function collect(events: AsyncIterable<DraftEvent>): Promise<DraftEvent[]> {
  const seen: DraftEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const cursorOf = (id: string, sequence: number): string => eventCursor(id, { sequence, epoch: Math.min(sequence, 1) });

describe('[SERVE8] readers of one draft', () => {
  it('get the same event objects, and the log is read once for all of them', async () => {
    const draft = await start();
    const status = async () => (await writing.byIds(ann, [draft.id])).get(draft.id)?.status;
    await expect.poll(status).toBe('GENERATING');
    const readers = Array.from({ length: 30 }, () => reading.follow(bob, draft.id, null));
    for (const reader of readers) expect((await reader.next()).value).toMatchObject({ type: 'snapshot' });
    const before = statements.length;
    for (let n = 0; n < 3; n++) {
      const next = readers.map((reader) => reader.next());
      engine.grant(1);
      const events = (await Promise.all(next)).map(({ value }) => value as DraftEvent);
      expect(events[0]).toMatchObject({ type: 'tokens' });
      for (const event of events) expect(event).toBe(events[0]);
    }
    const reads = statements.slice(before).filter((text) => text.includes('from draft_events d'));
    expect(reads.length).toBeLessThanOrEqual(4);
    for (const reader of readers) await reader.return?.();
    expect(wakeups.size).toBe(0);
  });

  it('[LOG11] end with what is wrong when its log cannot be read, and readers of another go on', async () => {
    const [damaged, sound] = [await start(), await start()];
    const status = async ({ id }: { id: string }) => (await writing.byIds(ann, [id])).get(id)?.status;
    for (const draft of [damaged, sound]) await expect.poll(() => status(draft)).toBe('GENERATING');
    const [live, other] = [damaged, sound].map(({ id }) => reading.follow(bob, id, null));
    for (const reader of [live!, other!]) await reader.next();
    await database.sql`
      with moved as (update drafts set sequence = sequence + 1 where id = ${damaged.id} returning id, sequence)
      insert into draft_events (draft_id, sequence, event) select id, sequence, '{"type":"tokens","text":7}' from moved`;
    wakeups.wake(draftKey(damaged.id));
    const wrong = /^the log of draft .* cannot be read: .*event\.text: /;
    await expect(collect(live!)).rejects.toThrow(wrong);
    await expect(collect(reading.follow(bob, damaged.id, cursorOf(damaged.id, 0)))).rejects.toThrow(wrong);
    engine.grant(Infinity);
    expect((await collect(other!)).at(-1)).toMatchObject({ type: 'status', status: 'COMPLETED' });
    expect(wakeups.size).toBe(0);
  });

  it('[DRAFT4] are ended when it is made private, except its owner', async () => {
    const draft = await start();
    const own = reading.follow(ann, draft.id, null);
    const others = Array.from({ length: 3 }, () => reading.follow(bob, draft.id, null));
    for (const reader of [own, ...others]) await reader.next();
    const rest = Promise.allSettled(others.map((reader) => collect(reader)));
    await writing.update(ann, { draftId: draft.id, visibility: 'PRIVATE' });
    for (const end of await rest) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'NOT_FOUND' } });
    await expect(reading.follow(bob, draft.id, writing.cursorOf(draft)).next()).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    engine.grant(Infinity);
    expect((await collect(own)).at(-1)).toMatchObject({ type: 'status', status: 'COMPLETED' });
    expect(wakeups.size).toBe(0);
  });

  it('[DRAFT4] get nothing while their permission is being checked, not even what was fetched before', async () => {
    const draft = await start(300);
    engine.grant(Infinity);
    await collect(writing.follow(ann, draft.id, null));
    const reader = reading.follow(bob, draft.id, cursorOf(draft.id, 0));
    for (let n = 0; n < 2; n++) await new Promise<void>((resolve) => reader.poll(resolve));
    const changes = wakeups.watch(rightsKey(draft.id));
    await changes.next();
    const updated = writing.update(ann, { draftId: draft.id, visibility: 'PRIVATE' });
    await changes.next();
    expect(reader.poll(() => undefined)).toBe(LATER);
    await Promise.all([updated, changes.return?.()]);
    await expect(reader.next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('can be polled: an event, LATER with a call afterwards, or OVER', async () => {
    const draft = await start(1);
    const reader = reading.follow(ann, draft.id, null);
    const polls: (DraftEvent | symbol)[] = [];
    await new Promise<void>((resolve) => {
      const poll = (): void => {
        for (;;) {
          const polled = reader.poll(poll);
          polls.push(polled);
          if (typeof polled !== 'symbol') continue;
          if (polled.description === 'over') resolve();
          return;
        }
      };
      poll();
      engine.grant(Infinity);
    });
    const events = polls.filter((polled) => typeof polled !== 'symbol');
    expect(events[0]).toMatchObject({ type: 'snapshot' });
    expect(events.at(-1)).toMatchObject({ status: 'COMPLETED' });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });
});

it('[SERVE6] that are behind and full keep nothing of what was fetched, and get it when there is room', async () => {
  const { id } = await start(1_200);
  engine.grant(Infinity);
  await collect(writing.follow(ann, id, null));
  /** Asks, and when it is told that there is something, does not take it. */
  const stalled = async (after: string): Promise<ReturnType<Drafts['follow']>> => {
    const reader = reading.follow(ann, id, after);
    await new Promise<void>((resolve) => reader.poll(resolve));
    await new Promise<void>((resolve) => reader.poll(resolve));
    return reader;
  };
  await stalled(cursorOf(id, 0));
  const before = heapInUse();
  const readers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => stalled(cursorOf(id, n))));
  // Each behind by an event of its own, of 200 tokens: some 40 kB.
  expect(heapInUse() - before).toBeLessThan(5e6);
  const [request] = engine.requests;
  const textOf = (maxTokens: number): string =>
    scriptedText({ ...request!, sampling: { ...request!.sampling, maxTokens } });
  for (const [n, reader] of [...readers.entries()].filter(([n]) => n % 333 === 1)) {
    const texts = (await collect(reader)).map((event) => (event.type === 'tokens' ? event.text : ''));
    // The first two entries of the log say that the draft waited and was begun.
    expect(textOf(Math.max(n - 2, 0)) + texts.join('')).toBe(textOf(1_200));
  }
});

it('[LOG10] that are behind catch up a few at a time, and the others do not wait for them', async () => {
  const { id, sequence } = await start(40);
  engine.grant(30);
  const ahead = reading.follow(ann, id, cursorOf(id, sequence));
  for (let n = 0; n < 30;) {
    const event = (await ahead.next()).value as DraftEvent;
    if (event.type === 'tokens') n += event.tokens.length;
  }
  const gates: (() => void)[] = [];
  const store = new PostgresLog(database);
  const read = store.read.bind(store);
  store.read = async (...wanted) => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return read(...wanted);
  };
  const drafts = createDrafts({ database, wakeups, engine, clock: systemClock, log: silentLogger, store });
  const abreast = drafts.follow(ann, id, null);
  expect((await abreast.next()).value).toMatchObject({ type: 'snapshot' });
  const behind = Array.from({ length: 20 }, (_, n) => collect(drafts.follow(ann, id, cursorOf(id, n))));
  await expect.poll(() => gates.length).toBe(4);
  engine.grant(Infinity);
  expect((await collect(abreast)).at(-1)).toMatchObject({ status: 'COMPLETED' });
  expect(gates).toHaveLength(4);
  const opening = setInterval(() => gates.splice(0).forEach((open) => open()), 1);
  for (const events of await Promise.all(behind)) expect(events.at(-1)).toMatchObject({ status: 'COMPLETED' });
  clearInterval(opening);
});

it('[DRAFT7] the number of a listener’s concurrent drafts is limited, even if all are started at once', async () => {
  const tries = await Promise.allSettled([start(), start(), start(), start()]);
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  for (const attempt of tries) {
    if (attempt.status === 'fulfilled') continue;
    expect(attempt.reason).toMatchObject({ code: 'OVERLOADED', retryAfterMs: expect.any(Number) as number });
  }
  await expect(writing.start(bob, { kind: 'POEM', prompt: 'Rain', sampling: { maxTokens: 1 } })).resolves.toBeDefined();
  engine.grant(Infinity);
  const made = tries.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  for (const draft of made) await collect(writing.follow(ann, draft.id, null));
  expect(await writing.continue(ann, { draftId: made[0]!.id, sampling: { maxTokens: 1 } })).toBeDefined();
});

it('[DRAFT7] visitors have a limit of their own', async () => {
  const guest = { ...ann, listener: { ...ann.listener, externalId: 'visitor:1' } };
  const input = { kind: 'POEM', prompt: 'Rain', sampling: { maxTokens: 1 } } as const;
  await writing.start(guest, input);
  await expect(writing.start(guest, input)).rejects.toMatchObject({ code: 'OVERLOADED' });
  engine.grant(Infinity);
});
