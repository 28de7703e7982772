import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { selectDrafts } from '../../../src/db/drafts/draft-queries.ts';
import { createDrafts, type Draft, type DraftEvent, openLogStore } from '../../../src/drafts/drafts.ts';
import type { LogStore } from '../../../src/drafts/log/log-store.ts';
import { draftRecord } from '../../../src/drafts/log/stored.ts';
import { PostgresOwnership } from '../../../src/drafts/nodes/ownership.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { StartupError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { StoredDataError } from '../../../src/lib/stored-data.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { SubjectLog } from '../../../src/nats/subject-log.ts';
import { itKeepsLogs } from '../../support/drafts/log-contract.ts';
import { firstEvents, newDraft, oneToken } from '../../support/drafts/new-draft.ts';
import { type Script, ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';
import { hasNats, type Nats, startNats } from '../../support/network/nats.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { eventually } from '../../support/time/eventually.ts';

const configAt = (url: string) => ({ kind: 'nats', url, replicas: 1 }) as const;

describe.runIf(hasNats)('with NATS', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  const inStream = async (stream: string) => {
    const database = await testDatabase();
    const wakeups = new LocalWakeups();
    const { store, release } = await openLogStore({ database, config: configAt(nats.url), wakeups, stream });
    onTestFinished(release);
    const ann = await createListeners({ database, wakeups, clock: systemClock }).ensure('ann');
    return { database, store, ann, wakeups };
  };
  const fresh = () => inStream(`t-${randomUUID()}`);

  itKeepsLogs('NATS JetStream', async () => {
    const { database, store, ann } = await fresh();
    return {
      store,
      ownership: new PostgresOwnership(database),
      listenerId: ann.id,
      rowOf: async (id) => (await selectDrafts(database, [id])).map(draftRecord)[0],
    };
  });

  it('[LOG6] a writer that is unaware of another is refused by the server', async () => {
    const stream = `t-${randomUUID()}`;
    const one = await inStream(stream);
    const { store: two, release } = await openLogStore({ ...one, config: configAt(nats.url), stream });
    onTestFinished(release);
    const draft = newDraft({ listenerId: one.ann.id });
    await one.store.create([{ draft, events: firstEvents() }]);
    const append = (store: typeof two, sequence: number, text: string) =>
      store.append({
        type: 'progress',
        fence: { draftId: draft.id, epoch: 1, sequence },
        events: [oneToken(text)],
        at: new Date(),
      });
    expect(await append(one.store, 1, 'a')).toBe(true);
    expect(await append(two, 2, 'b')).toBe(true);
    expect(await append(one.store, 2, 'c')).toBe(true);
    const read = await two.read(draft.id, 0, 10);
    expect(read.map(({ event }) => (event.type === 'tokens' ? event.text : ''))).toEqual(['', 'a', 'b']);
  });

  it('[LOG9] [LOG2] what has not been pushed yet is read: a log never seems to end before its end', async () => {
    const stream = `t-${randomUUID()}`;
    const one = await inStream(stream);
    const { store, release } = await openLogStore({ ...one, config: configAt(nats.url), stream });
    onTestFinished(release);
    const draft = newDraft({ listenerId: one.ann.id });
    await one.store.create([{ draft, events: firstEvents() }]);
    // From here on the log is followed.
    await store.news([{ draftId: draft.id, after: 1, epoch: null, limit: 10 }]);
    for (let sequence = 1; sequence < 200; sequence++) {
      const fence = { draftId: draft.id, epoch: 1, sequence };
      await one.store.append({ type: 'progress', fence, events: [oneToken('a')], at: new Date() });
      const summary = await store.summaryOf(draft.id);
      expect(summary?.sequence).toBe(sequence + 1);
      expect((await store.read(draft.id, sequence, 10)).map((entry) => entry.sequence)).toEqual([sequence + 1]);
    }
    const late = await openLogStore({ ...one, config: configAt(nats.url), stream });
    onTestFinished(late.release);
    expect((await late.store.read(draft.id, 150, 10)).map((entry) => entry.sequence)[0]).toBe(151);
  });

  it('[LOG6] [LOG9] a log that ends with a new epoch is read to its last event', async () => {
    const { database, store, ann } = await fresh();
    const draft = newDraft({ listenerId: ann.id });
    await store.create([{ draft, events: firstEvents() }]);
    const fence = { draftId: draft.id, epoch: 1, sequence: 1 };
    await store.append({ type: 'progress', fence, events: [oneToken('a')], at: new Date() });
    const seized = await new PostgresOwnership(database).seize(randomUUID(), draft.id);
    expect(await store.take(draft.id, seized!.epoch)).toMatchObject({ sequence: 2 });
    for (const after of [0, 1]) {
      const read = await store.read(draft.id, after, 10);
      expect(read.map(({ sequence }) => sequence)).toEqual([1, 2].slice(after));
    }
  });

  it('[LOG11] a message that is none is an error of its draft, which can be deleted', async () => {
    const stream = `t-${randomUUID()}`;
    const { store, ann } = await inStream(stream);
    const [damaged, sound] = [newDraft({ listenerId: ann.id }), newDraft({ listenerId: ann.id })];
    for (const draft of [damaged, sound]) await store.create([{ draft, events: firstEvents() }]);
    const wanted = [damaged, sound].map(({ id }) => ({ draftId: id, after: 1, epoch: null, limit: 10 }));
    // From here on the logs are followed.
    await store.news(wanted);
    const messages = await SubjectLog.open<unknown>({ ...configAt(nats.url), stream, decode: JSON.parse });
    onTestFinished(() => messages[Symbol.asyncDispose]());
    const after = await messages.lastSequence(damaged.id);
    await messages.append(
      damaged.id,
      { epoch: 1, sequence: 2, events: [{ type: 'none' }] },
      { after, id: randomUUID() },
    );
    await expect
      .poll(() => store.read(damaged.id, 1, 10).catch((error: unknown) => error))
      .toBeInstanceOf(StoredDataError);
    await expect(store.read(damaged.id, 0, 10)).rejects.toThrow(/events\.0/);
    expect(await store.news(wanted)).toEqual([expect.any(StoredDataError), []]);
    await store.remove(damaged.id);
    expect(await store.read(damaged.id, 0, 10)).toEqual([]);
  });

  it('[LOG9] what one node writes is pushed to readers on another, even across a crash of NATS', async () => {
    const stream = `t-${randomUUID()}`;
    const one = await inStream(stream);
    // Nobody wakes the other's readers but the log.
    const elsewhere = new LocalWakeups();
    const { store, release } = await openLogStore({ ...one, wakeups: elsewhere, config: configAt(nats.url), stream });
    onTestFinished(release);
    const engine = new ScriptedEngine({ granted: 5 });
    const room = (options: { store: LogStore; wakeups: LocalWakeups }) => {
      const drafts = createDrafts({
        ...options,
        database: one.database,
        engine,
        clock: systemClock,
        log: silentLogger,
      });
      onTestFinished(() => drafts[Symbol.asyncDispose]());
      return drafts;
    };
    const [writing, reading] = [room(one), room({ store, wakeups: elsewhere })];
    const viewer = { listener: one.ann, roles: new Set(['LISTENER'] as const) };
    const draft = await writing.start(viewer, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 20 } });
    const start = writing.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 });
    let text = '';
    let tokens = 0;
    for await (const event of reading.follow(viewer, draft.id, start)) {
      if (event.type !== 'tokens') continue;
      text += event.text;
      tokens += event.tokens.length;
      if (tokens === 5) {
        await nats.crash?.();
        engine.grant(Infinity);
      }
    }
    const messages = engine.requests[0]?.messages ?? [];
    expect(text).toBe(scriptedText({ messages, sampling: draft.sampling }));
  });

  it('[LOG11] a message that cannot be used ends its own feed, and nobody else’s', async () => {
    const log = await SubjectLog.open({ url: nats.url, replicas: 1, stream: `t-${randomUUID()}`, decode: String });
    onTestFinished(() => log[Symbol.asyncDispose]());
    const ended = new Promise((resolve) => {
      const onMessage = () => {
        throw new StoredDataError('damaged');
      };
      void log.follow('a', 1, { onMessage, onEnd: resolve });
    });
    await log.append('a', 'text', { after: 0, id: '1' });
    expect(await ended).toBeInstanceOf(StoredDataError);
    expect((await log.last('a'))?.data).toContain('text');
  });

  it('[LOG4] while NATS is away what is asked fails at once, so that nobody waits for an answer that was lost', async () => {
    const own = await startNats();
    onTestFinished(own.stop);
    const crash = own.crash ?? expect.fail('the server is not ours');
    const log = await SubjectLog.open({ url: own.url, replicas: 1, stream: 'logs', decode: String });
    onTestFinished(() => log[Symbol.asyncDispose]());
    await log.append('a', 'text', { after: 0, id: '1' });
    await crash(async () => {
      // With the client's own patience of five seconds this would outlast the test.
      for (let question = 0; question < 100; question++) await expect(log.last('a')).rejects.toThrow(/unavailable/);
    });
    await eventually(async () => expect((await log.last('a'))?.data).toContain('text'));
  });

  it('[LOG1] [LOG2] [LOG5] a draft is written, taken up and read as in PostgreSQL', async () => {
    const { database, store, ann, wakeups } = await fresh();
    const room = (script: Script) => {
      const engine = new ScriptedEngine(script);
      const drafts = createDrafts({ database, engine, wakeups, clock: systemClock, log: silentLogger, store });
      onTestFinished(() => drafts[Symbol.asyncDispose]());
      return { engine, drafts };
    };
    const viewer = { listener: ann, roles: new Set(['LISTENER'] as const) };
    const before = room({ granted: 7 });
    const draft = await before.drafts.start(viewer, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 20 } });
    const events: DraftEvent[] = [];
    const reader = (async () => {
      const start = before.drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 });
      for await (const event of before.drafts.follow(viewer, draft.id, start)) events.push(event);
    })();
    const load = async () => (await before.drafts.byIds(viewer, [draft.id])).get(draft.id) as Draft;
    while ((await load()).sequence < 9) await new Promise(setImmediate);
    expect(await load()).toMatchObject({ status: 'GENERATING' });
    const after = room({});
    after.drafts.recover();
    await reader;
    const { sampling } = draft;
    const text = scriptedText({ messages: before.engine.requests[0]?.messages ?? [], sampling });
    expect(events.map((event) => (event.type === 'tokens' ? event.text : '')).join('')).toBe(text);
    expect(await load()).toMatchObject({ status: 'COMPLETED', text, usage: { completionTokens: 20 } });
    expect(after.engine.requests[0]?.replay).toHaveLength(7);
    const more = await after.drafts.continue(viewer, {
      draftId: draft.id,
      instruction: 'More',
      sampling: { maxTokens: 4 },
    });
    for await (const _ of after.drafts.follow(viewer, draft.id, after.drafts.cursorOf(more)));
    const continued = (await load()).text;
    expect(continued.startsWith(`${text}\n\n`)).toBe(true);
    expect(continued.length).toBeGreaterThan(text.length + 2);
  });
});

it('[DB4] an unreachable NATS prevents the start, with a remedy', async () => {
  const database = await testDatabase();
  const opening = openLogStore({ database, config: configAt('nats://127.0.0.1:1'), wakeups: new LocalWakeups() });
  await expect(opening).rejects.toThrow(StartupError);
  await expect(opening).rejects.toThrow(/NATS at 127\.0\.0\.1:1 cannot be used/);
});
