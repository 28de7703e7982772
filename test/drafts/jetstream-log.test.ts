import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { selectDrafts } from '../../src/db/draft-queries.ts';
import { createDrafts, openLogStore, type Draft, type DraftEvent } from '../../src/drafts/drafts.ts';
import { PostgresOwnership } from '../../src/drafts/ownership.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { StartupError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { LocalWakeups } from '../../src/lib/wakeups.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { testDatabase } from '../support/database.ts';
import { itKeepsLogs } from '../support/log-contract.ts';
import { hasNats, startNats, type Nats } from '../support/nats.ts';
import { firstEvents, newDraft, oneToken } from '../support/new-draft.ts';
import { ScriptedEngine, scriptedText, type Script } from '../support/scripted-engine.ts';

describe.runIf(hasNats)('with NATS', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  const inStream = async (stream: string) => {
    const database = await testDatabase();
    const { store, release } = await openLogStore(database, { kind: 'nats', url: nats.url, replicas: 1 }, stream);
    onTestFinished(release);
    const ann = await createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock }).ensure('ann');
    return { database, store, ann };
  };
  const fresh = () => inStream(`t-${randomUUID()}`);

  itKeepsLogs('NATS JetStream', async () => {
    const { database, store, ann } = await fresh();
    return {
      store,
      ownership: new PostgresOwnership(database),
      listenerId: ann.id,
      rowOf: async (id) => (await selectDrafts(database.db, [id]))[0],
    };
  });

  it('[LOG6] a writer that does not know of the others learns it from the server', async () => {
    const stream = `t-${randomUUID()}`;
    const one = await inStream(stream);
    const { store: two, release } = await openLogStore(
      one.database,
      { kind: 'nats', url: nats.url, replicas: 1 },
      stream,
    );
    onTestFinished(release);
    const draft = newDraft({ listenerId: one.ann.id });
    await one.store.create(draft, firstEvents());
    const append = (store: typeof two, sequence: number, text: string) =>
      store.append({
        fence: { draftId: draft.id, epoch: 1, sequence },
        events: [oneToken(text)],
        set: {},
        at: new Date(),
      });
    expect(await append(one.store, 1, 'a')).toBe(true);
    expect(await append(two, 2, 'b')).toBe(true);
    expect(await append(one.store, 2, 'c')).toBe(true);
    const read = await two.read(draft.id, 0, 10);
    expect(read.map(({ event }) => (event.type === 'tokens' ? event.text : ''))).toEqual(['', 'a', 'b']);
  });

  it('[LOG1] [LOG2] [LOG5] a draft is written, taken up and read as it is in PostgreSQL', async () => {
    const { database, store, ann } = await fresh();
    const wakeups = new LocalWakeups();
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
      const start = before.drafts.cursorOf({ ...draft, sequence: 0 });
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

it('[DB4] a NATS that is not there stops the start, with what to do about it', async () => {
  const database = await testDatabase();
  const opening = openLogStore(database, { kind: 'nats', url: 'nats://127.0.0.1:1', replicas: 1 });
  await expect(opening).rejects.toThrow(StartupError);
  await expect(opening).rejects.toThrow(/NATS at 127\.0\.0\.1:1 cannot be used/);
});
