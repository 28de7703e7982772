import { setMaxListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import {
  createDrafts,
  type Draft,
  type DraftEvent,
  type Drafts,
  type StartDraftInput,
} from '../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ServiceUnavailableError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { randomStream } from '../../src/lib/random.ts';
import { createListeners, type Role, type Viewer } from '../../src/listeners/listeners.ts';
import { type Script, ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { testDatabase } from '../support/postgres/database.ts';

let database: Database;
let wakeups: LocalWakeups;
let engine: ScriptedEngine;
let drafts: Drafts;
let ann: Viewer;
let bob: Viewer;

beforeEach(async () => {
  database = await testDatabase();
  wakeups = new LocalWakeups();
  ({ engine, drafts } = room());
  [ann, bob] = [await viewer('ann', 'LISTENER'), await viewer('bob', 'LISTENER')];
});

function room(script: Script = {}): { engine: ScriptedEngine; drafts: Drafts } {
  const scripted = new ScriptedEngine(script);
  const random = randomStream(5);
  return {
    engine: scripted,
    drafts: createDrafts({ database, engine: scripted, wakeups, clock: systemClock, log: silentLogger, random }),
  };
}

async function viewer(externalId: string, ...roles: Role[]): Promise<Viewer> {
  // Its own wake-ups: what is counted at the end are those who follow drafts.
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  return { listener: await listeners.ensure(externalId), roles: new Set(roles) };
}

const poem = (extra: Partial<StartDraftInput> = {}): StartDraftInput => ({
  kind: 'POEM',
  prompt: 'Snow on the sea',
  sampling: { maxTokens: 30 },
  ...extra,
});
const never = { signal: new AbortController().signal };
// Every reader of this file listens to it.
setMaxListeners(0, never.signal);

async function collect(draftId: string, after: string | null = null, who = ann, from = drafts): Promise<DraftEvent[]> {
  const events: DraftEvent[] = [];
  for await (const event of from.follow(who, draftId, after, never)) events.push(event);
  return events;
}

/** What a reader's events amount to; throws at a position that comes twice or out of order. */
function textOf(events: readonly DraftEvent[]): string {
  let last = -1;
  return events
    .map((event) => {
      const [, position] = JSON.parse(Buffer.from(event.cursor, 'base64url').toString()) as [string, number];
      if (position <= last) throw new Error(`position ${position} after ${last}`);
      last = position;
      return event.type === 'snapshot' ? event.draft.text : event.type === 'tokens' ? event.text : '';
    })
    .join('');
}

async function finished(draft: Draft, from = drafts): Promise<Draft> {
  await collect(draft.id, null, ann, from);
  return (await from.byIds(ann, [draft.id])).get(draft.id) ?? draft;
}

async function rows(): Promise<number> {
  const [row] = await database.sql<{ n: number }[]>`select count(*)::int as n from drafts`;
  return row?.n ?? -1;
}

describe('starting', () => {
  it('[DRAFT8] writes a draft to its end although its caller’s answer fails', async () => {
    const scripted = new ScriptedEngine({ granted: 0 });
    let failures = 1;
    // The database goes away once the draft is being written, for one question.
    const flickering = Object.create(database, {
      db: {
        get() {
          if (scripted.requests.length > 0 && failures-- > 0) throw new ServiceUnavailableError('nobody answers');
          return database.db;
        },
      },
    }) as Database;
    const options = { engine: scripted, wakeups, clock: systemClock, log: silentLogger, random: randomStream(5) };
    const others = createDrafts({ database: flickering, ...options });
    const asked = others.start(ann, poem({ idempotencyKey: 'once' }));
    await expect(asked).rejects.toThrow(ServiceUnavailableError);
    scripted.grant(30);
    const draft = await others.start(ann, poem({ idempotencyKey: 'once' }));
    expect(await finished(draft, others)).toMatchObject({ status: 'COMPLETED', finishReason: 'LENGTH' });
  });

  it('[LOG1] writes a draft whose log, text and usage agree', async () => {
    const draft = await drafts.start(ann, poem());
    expect(draft).toMatchObject({
      status: expect.any(String) as string,
      title: 'Snow on the sea',
      visibility: 'PRIVATE',
      modelId: 'scripted',
    });
    const events = await collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
    const expected = scriptedText({ ...(engine.requests[0] ?? { messages: [] }), sampling: draft.sampling });
    expect(textOf(events)).toBe(expected);
    expect(events.at(-1)).toMatchObject({
      type: 'status',
      status: 'COMPLETED',
      finishReason: 'LENGTH',
      usage: { completionTokens: 30 },
    });
    const end = await finished(draft);
    expect(end).toMatchObject({
      text: expected,
      status: 'COMPLETED',
      finishReason: 'LENGTH',
      usage: { promptTokens: 10 },
    });
    const hurried = await drafts.start(ann, { ...poem(), sampling: { ...poem().sampling, maxSeconds: 60 } });
    expect(await finished(hurried)).toMatchObject({ status: 'COMPLETED', finishReason: 'TIME' });
    const tokens = events.flatMap((event) => (event.type === 'tokens' ? event.tokens : []));
    expect(tokens).toHaveLength(30);
    expect(tokens[0]).toMatchObject({ logprob: -0.5, alternatives: [{ logprob: -1.5 }] });
  });

  it('[DRAFT1] repeating an idempotency key returns the first draft and starts nothing, even concurrently', async () => {
    const input = poem({ idempotencyKey: 'k' });
    const made = await Promise.all([1, 2, 3].map(() => drafts.start(ann, input)));
    expect(new Set(made.map((draft) => draft.id)).size).toBe(1);
    await Promise.all(made.map((draft) => finished(draft)));
    expect(await rows()).toBe(1);
    expect((await drafts.start(bob, input)).id).not.toBe(made[0]!.id);
  });

  it.each<[string, Partial<StartDraftInput>]>([
    ['prompt', { prompt: 'else' }],
    ['kind', { kind: 'STORY' }],
    ['title', { title: 'Else' }],
    ['visibility', { visibility: 'SHARED' }],
    ['sampling', { sampling: { maxTokens: 30, seed: 8 } }],
    ['absent sampling', { sampling: null }],
  ])('[DRAFT9] a key repeated with another %s is refused, and starts nothing', async (_, other) => {
    const input = poem({ idempotencyKey: 'k', sampling: { maxTokens: 30, seed: 7 } });
    const first = await drafts.start(ann, input);
    await drafts.update(ann, { draftId: first.id, title: 'Renamed', visibility: 'SHARED' });
    await expect(drafts.start(ann, { ...input, ...other })).rejects.toMatchObject({
      ...{ code: 'IDEMPOTENCY_CONFLICT', field: 'input.idempotencyKey' },
    });
    expect(await rows()).toBe(1);
    const { sampling, ...rest } = input;
    const again = { sampling: { seed: 7, ...sampling, topK: null }, modelId: null, ...rest };
    expect((await drafts.start(ann, again)).id).toBe(first.id);
  });

  it('[DRAFT9] a continuation that is repeated with its key, while it is written and after, goes on once', async () => {
    const draft = await finished(await drafts.start(ann, poem()));
    const more = { draftId: draft.id, instruction: 'go on', idempotencyKey: 'k' };
    await Promise.all([1, 2, 3].map(() => drafts.continue(ann, more)));
    await drafts.continue(ann, more);
    const { text } = await finished(draft);
    expect((await drafts.continue(ann, more)).text).toBe(text);
    await expect(drafts.continue(ann, { ...more, instruction: 'stop' })).rejects.toMatchObject({
      ...{ code: 'IDEMPOTENCY_CONFLICT', field: 'input.idempotencyKey' },
    });
    expect((await finished(draft)).text).toBe(text);
    await finished(await drafts.continue(ann, { ...more, idempotencyKey: 'l' }));
    const events = await collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
    const begun = events.filter((event) => event.type === 'status' && event.status === 'QUEUED');
    expect(begun).toHaveLength(3);
  });

  it.each<[string, Partial<StartDraftInput>, string]>([
    ['an empty prompt', { prompt: '  \n' }, 'input.prompt'],
    ['a long prompt', { prompt: 'x'.repeat(8_001) }, 'input.prompt'],
    ['a NUL', { prompt: 'a\0b' }, 'input.prompt'],
    ['half a character', { prompt: 'a\ud800' }, 'input.prompt'],
    ['a long title', { title: 'x'.repeat(201) }, 'input.title'],
    ['a hot temperature', { sampling: { temperature: 2.1 } }, 'input.sampling.temperature'],
    ['no tokens', { sampling: { maxTokens: 0 } }, 'input.sampling.maxTokens'],
    ['many stops', { sampling: { stop: Array.from({ length: 9 }, () => 'x') } }, 'input.sampling.stop'],
    ['another model', { modelId: 'gpt' }, 'input.modelId'],
    ['an empty key', { idempotencyKey: '' }, 'input.idempotencyKey'],
  ])('[ERR2] refuses %s and starts nothing', async (_, bad, field) => {
    await expect(drafts.start(ann, poem(bad))).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
    expect(await rows()).toBe(0);
    expect(engine.requests).toEqual([]);
  });

  it('[DRAFT2] a full queue and a missing model are typed errors that change nothing', async () => {
    ({ engine, drafts } = room({ granted: 0, queue: 2 }));
    const running = [await drafts.start(ann, poem()), await drafts.start(ann, poem())];
    await expect(drafts.start(ann, poem())).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterMs: 10 });
    await expect(drafts.start(ann, poem({ kind: 'TUNE' }))).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(await rows()).toBe(2);
    engine.grant(Infinity);
    await Promise.all(running.map((draft) => finished(draft)));
    engine.ready = false;
    await expect(drafts.start(ann, poem())).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('a refused or repeated start gives its place back', async () => {
    ({ engine, drafts } = room({ queue: 1 }));
    for (let i = 0; i < 3; i++) await expect(drafts.start(ann, poem({ prompt: 'x'.repeat(9_000) }))).rejects.toThrow();
    const first = await drafts.start(ann, poem({ idempotencyKey: 'k' }));
    await finished(first);
    for (let i = 0; i < 3; i++) await drafts.start(ann, poem({ idempotencyKey: 'k' }));
    await finished(await drafts.start(ann, poem()));
  });

  it('a failing model fails the draft with the reason and keeps the text', async () => {
    ({ engine, drafts } = room({ failAt: 10 }));
    const end = await finished(await drafts.start(ann, poem()));
    expect(end).toMatchObject({ status: 'FAILED', finishReason: 'ERROR', failure: 'the model broke' });
    expect(end.text.length).toBeGreaterThan(0);
  });
});

describe('following', () => {
  it('[LOG2] early, late and returning readers get each event once and in order, and the same text', async () => {
    ({ engine, drafts } = room({ granted: 0 }));
    const draft = await drafts.start(ann, poem({ sampling: { maxTokens: 60 } }));
    const start = drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 });
    const early = collect(draft.id, start);
    engine.grant(20);
    const returning: DraftEvent[] = [];
    for await (const event of drafts.follow(ann, draft.id, start, never)) {
      returning.push(event);
      if (textOf(returning).length > 20) break;
    }
    engine.grant(20);
    const late = collect(draft.id);
    const resumed = collect(draft.id, returning.at(-1)?.cursor ?? null);
    engine.grant(Infinity);
    const text = (await finished(draft)).text;
    expect(textOf(await early)).toBe(text);
    expect(textOf(await late)).toBe(text);
    expect(textOf([...returning, ...(await resumed)])).toBe(text);
    expect(textOf(await collect(draft.id, start))).toBe(text);
    expect(await collect(draft.id, (await early).at(-1)?.cursor ?? null)).toEqual([]);
    expect(wakeups.size).toBe(0);
  });

  it('[LOG3] leaving ends at once, even while idle, and cancels nothing', async () => {
    ({ engine, drafts } = room({ granted: 0 }));
    const draft = await drafts.start(ann, poem());
    await waitFor(async () => (await drafts.byIds(ann, [draft.id])).get(draft.id)?.status === 'GENERATING');
    const abort = new AbortController();
    const readers = [
      drafts.follow(ann, draft.id, null, never),
      drafts.follow(ann, draft.id, null, { signal: abort.signal }),
    ];
    for (const reader of readers) {
      expect((await reader.next()).value).toMatchObject({ type: 'snapshot', draft: { status: 'GENERATING' } });
    }
    const idle = readers.map((reader) => reader.next());
    void readers[0]?.return?.();
    abort.abort();
    expect((await Promise.all(idle)).map((result) => result.done)).toEqual([true, true]);
    expect(wakeups.size).toBe(0);
    engine.grant(Infinity);
    expect((await finished(draft)).status).toBe('COMPLETED');
  });

  it('a reader far behind gets tokens together, at most 200 per event', async () => {
    const draft = await finished(await drafts.start(ann, poem({ sampling: { maxTokens: 900 } })));
    const events = await collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
    expect(textOf(events)).toBe(draft.text);
    expect(events.length).toBeLessThan(15);
    for (const event of events) if (event.type === 'tokens') expect(event.tokens.length).toBeLessThanOrEqual(200);
  });

  it('refuses a cursor that is not of this draft', async () => {
    const [draft, other] = [await drafts.start(ann, poem()), await drafts.start(ann, poem())];
    const bad = ['nonsense', drafts.cursorOf(other), drafts.cursorOf({ ...draft, sequence: -1 })];
    for (const cursor of bad)
      await expect(collect(draft.id, cursor)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'after' });
  });

  it('[DRAFT3] a private draft exists for its owner alone; a shared one is read by all and changed by its owner', async () => {
    const draft = await drafts.start(ann, poem());
    await expect(collect(draft.id, null, bob)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(drafts.cancel(bob, draft.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(drafts.delete(bob, 'nonsense')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await drafts.update(ann, { draftId: draft.id, visibility: 'SHARED', title: ' New ' });
    const text = (await finished(draft)).text;
    expect(textOf(await collect(draft.id, null, bob))).toBe(text);
    await expect(drafts.update(bob, { draftId: draft.id, title: 'mine' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await drafts.ofListener(bob, ann.listener.id, { first: 5 })).edges.map((edge) => edge.node.title)).toEqual([
      'New',
    ]);
    await drafts.update(ann, { draftId: draft.id, visibility: 'PRIVATE' });
    expect((await drafts.ofListener(bob, ann.listener.id, { first: 5 })).edges).toEqual([]);
    expect((await drafts.byIds(await viewer('root', 'ADMIN'), [draft.id])).size).toBe(1);
  });

  it('[DRAFT4] making a draft private again, or deleting it, ends the readers that may no longer read it', async () => {
    ({ engine, drafts } = room({ granted: 3 }));
    const draft = await drafts.start(ann, poem({ visibility: 'SHARED' }));
    const reader = drafts.follow(bob, draft.id, null, never);
    await reader.next();
    await drafts.update(ann, { draftId: draft.id, visibility: 'PRIVATE' });
    await expect(drain(reader)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const own = drafts.follow(ann, draft.id, null, never);
    await own.next();
    await drafts.delete(ann, draft.id);
    await expect(drain(own)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await rows()).toBe(0);
    expect(wakeups.size).toBe(0);
  });
});

async function drain(events: AsyncIterable<DraftEvent>): Promise<void> {
  for await (const _ of events);
}

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

describe('cancel and continue', () => {
  it('[LOG1] usage counts tokens while they are written, including those of earlier turns', async () => {
    ({ engine, drafts } = room({ granted: 7 }));
    const draft = await drafts.start(ann, poem({ sampling: { maxTokens: 9 } }));
    const now = async () => (await drafts.byIds(ann, [draft.id])).get(draft.id);
    const wrote = (tokens: number) => waitFor(async () => (await now())?.usage.completionTokens === tokens);
    await wrote(7);
    expect(await now()).toMatchObject({ status: 'GENERATING', sequence: 9 });
    for await (const event of drafts.follow(ann, draft.id, null)) {
      expect(event).toMatchObject({ type: 'snapshot', draft: { usage: { promptTokens: 10, completionTokens: 7 } } });
      break;
    }
    engine.grant(2);
    expect((await finished(draft)).usage.completionTokens).toBe(9);
    engine.grant(4);
    await drafts.continue(ann, { draftId: draft.id, instruction: 'on', sampling: { maxTokens: 20 } });
    await wrote(13);
    expect(await now()).toMatchObject({ status: 'GENERATING' });
    await drafts.cancel(ann, draft.id);
  });

  it('[DRAFT5] cancelling keeps the text and is harmless when repeated', async () => {
    ({ engine, drafts } = room({ granted: 7 }));
    const draft = await drafts.start(ann, poem());
    await waitFor(async () => (await drafts.byIds(ann, [draft.id])).get(draft.id)!.sequence >= 9);
    const cancelled = await drafts.cancel(ann, draft.id);
    expect(cancelled).toMatchObject({ status: 'CANCELLED', finishReason: 'CANCELLED' });
    const request = engine.requests[0] ?? { messages: [] };
    expect(cancelled.text).toBe(scriptedText({ ...request, sampling: { ...draft.sampling, maxTokens: 7 } }));
    expect(await drafts.cancel(ann, draft.id)).toEqual(cancelled);
  });

  it('[DRAFT6] continues a finished draft in the same log, open-ended or with an instruction', async () => {
    const first = await finished(await drafts.start(ann, poem()));
    const second = await finished(await drafts.continue(ann, { draftId: first.id, sampling: { maxTokens: 5 } }));
    expect(second.text.startsWith(first.text)).toBe(true);
    expect(engine.requests[1]).toMatchObject({
      continueLast: true,
      messages: [{}, {}, { role: 'assistant', content: first.text }],
    });
    const third = await finished(
      await drafts.continue(ann, { draftId: first.id, instruction: 'Now about the moon', sampling: { maxTokens: 5 } }),
    );
    expect(third.text.startsWith(`${second.text}\n\n`)).toBe(true);
    expect(engine.requests[2]).toMatchObject({
      continueLast: false,
      messages: [{}, {}, { role: 'assistant', content: second.text }, { role: 'user', content: 'Now about the moon' }],
    });
    expect(third.usage.promptTokens).toBe(30);
    expect(textOf(await collect(first.id, drafts.cursorOf({ ...first, sequence: 0, lastEpoch: 0 })))).toBe(third.text);
    await expect(drafts.continue(bob, { draftId: first.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('a draft that is being written cannot be continued', async () => {
    ({ engine, drafts } = room({ granted: 1 }));
    const draft = await drafts.start(ann, poem());
    await expect(drafts.continue(ann, { draftId: draft.id })).rejects.toMatchObject({ code: 'CONFLICT' });
    await drafts.cancel(ann, draft.id);
  });
});

describe('when the process dies', () => {
  it('[LOG5] whatever was recorded, the next process finishes the draft with the text it would have had', async () => {
    for (let granted = 0; granted <= 12; granted++) {
      const before = room({ granted });
      const draft = await before.drafts.start(ann, poem({ sampling: { maxTokens: 12, seed: granted } }));
      // No goodbye: what it has recorded when the next one starts is a matter of chance, as after a kill.
      const reader = collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
      const after = room();
      after.drafts.recover();
      const end = await finished(draft, after.drafts);
      expect(end.status).toBe('COMPLETED');
      expect(end.text).toBe(
        scriptedText({
          ...(after.engine.requests[0] ?? before.engine.requests[0] ?? { messages: [] }),
          sampling: draft.sampling,
        }),
      );
      expect(textOf(await reader)).toBe(end.text);
      before.engine.grant(Infinity);
    }
  });

  it('[LOG5] a draft whose model was replaced meanwhile keeps its text and ends with ERROR', async () => {
    const before = room({ granted: 5 });
    const draft = await before.drafts.start(ann, poem());
    await waitFor(async () => (await drafts.byIds(ann, [draft.id])).get(draft.id)!.sequence >= 7);
    await before.drafts[Symbol.asyncDispose]();
    const written = (await drafts.byIds(ann, [draft.id])).get(draft.id)?.text;
    engine.digest = 'another';
    drafts.recover();
    const end = await finished(draft);
    expect(end).toMatchObject({
      status: 'FAILED',
      text: written,
      failure: 'the model that began it has been replaced',
    });
    expect(engine.requests).toEqual([]);
  });

  it.each([
    ['row', (id: string) => database.sql`update drafts set usage = '{}' where id = ${id}`],
    [
      'log',
      (id: string) =>
        database.sql`update draft_events set event = '{}', text = null, tokens = null where draft_id = ${id}`,
    ],
  ])('[LOG11] a draft whose %s cannot be read ends as failed, once', async (_, damage) => {
    const before = room({ granted: 5 });
    const draft = await before.drafts.start(ann, poem());
    await waitFor(async () => (await drafts.byIds(ann, [draft.id])).get(draft.id)!.sequence >= 7);
    await before.drafts[Symbol.asyncDispose]();
    await damage(draft.id);
    const stored = () => database.sql`select status, finish_reason, failure, epochs from drafts where id = ${draft.id}`;
    drafts.recover();
    await waitFor(async () => (await stored())[0]?.status === 'FAILED');
    const ended = await stored();
    expect(ended).toMatchObject([{ finish_reason: 'ERROR', failure: 'its stored data cannot be read' }]);
    // Whatever comes after it is taken up, and it is not.
    await finished(await drafts.start(ann, poem()));
    expect(await stored()).toEqual(ended);
    expect(engine.requests).toHaveLength(1);
  });

  it('a clean shutdown records no end, and the next start continues', async () => {
    const before = room({ granted: 5 });
    const draft = await before.drafts.start(ann, poem());
    await waitFor(async () => (await drafts.byIds(ann, [draft.id])).get(draft.id)!.sequence >= 7);
    await before.drafts[Symbol.asyncDispose]();
    expect((await drafts.byIds(ann, [draft.id])).get(draft.id)?.status).toBe('GENERATING');
    drafts.recover();
    const end = await finished(draft);
    expect(end.text).toBe(
      scriptedText({ ...(before.engine.requests[0] ?? { messages: [] }), sampling: draft.sampling }),
    );
    expect(engine.requests[0]?.replay).toHaveLength(5);
  });

  it('[LOG6] a writer whose draft was taken up by another can append nothing more', async () => {
    const before = room({ granted: 5 });
    const draft = await before.drafts.start(ann, poem());
    await waitFor(async () => (await drafts.byIds(ann, [draft.id])).get(draft.id)!.sequence >= 7);
    drafts.recover();
    before.engine.grant(Infinity);
    const end = await finished(draft);
    expect(textOf(await collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 })))).toBe(end.text);
    expect(end.text).toBe(
      scriptedText({ ...(before.engine.requests[0] ?? { messages: [] }), sampling: draft.sampling }),
    );
  });

  it('a draft whose model is not ready yet waits for it', async () => {
    const before = room({ granted: 2 });
    const draft = await before.drafts.start(ann, poem());
    engine.ready = false;
    drafts.recover();
    engine.ready = true;
    engine.grant(0);
    expect((await finished(draft)).status).toBe('COMPLETED');
  });
});

it('[LOG4] an unavailable database causes no loss or duplication', async () => {
  ({ engine, drafts } = room({ granted: 0 }));
  const draft = await drafts.start(ann, poem({ sampling: { maxTokens: 40 } }));
  const kill = () =>
    database.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.catch(
      () => undefined,
    );
  for (let i = 0; i < 8; i++) {
    engine.grant(5);
    await kill();
  }
  engine.grant(Infinity);
  await waitFor(
    async () =>
      (await drafts.byIds(ann, [draft.id]).catch(() => new Map<string, Draft>())).get(draft.id)?.status === 'COMPLETED',
  );
  const events = await collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
  expect(textOf(events)).toBe(scriptedText({ ...(engine.requests[0] ?? { messages: [] }), sampling: draft.sampling }));
});

it('[LOG4] a value that the database will never accept ends the draft, with the text before it', async () => {
  // The text itself is encrypted.
  await database.sql`alter table draft_events add constraint few check (sequence < 9 or event is not null) not valid`;
  const draft = await finished(await drafts.start(ann, poem({ sampling: { maxTokens: 60 } })));
  expect(draft).toMatchObject({ status: 'FAILED', finishReason: 'ERROR', failure: 'the text could not be kept' });
  const events = await collect(draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
  expect(textOf(events)).toBe(draft.text);
});

it('[LOG2] forty readers that come and go at random end with the same text', async () => {
  ({ engine, drafts } = room({ granted: 0 }));
  const draft = await drafts.start(ann, poem({ sampling: { maxTokens: 150 } }));
  const start = drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 });
  const random = randomStream(9);
  const reader = async (): Promise<DraftEvent[]> => {
    const events: DraftEvent[] = [];
    for (;;) {
      const stay = Math.floor(random() * 12);
      let seen = 0;
      let left = false;
      for await (const event of drafts.follow(ann, draft.id, events.at(-1)?.cursor ?? start, never)) {
        events.push(event);
        if (++seen > stay) {
          left = true;
          break;
        }
      }
      if (!left) return events;
      await new Promise(setImmediate);
    }
  };
  const readers = Array.from({ length: 40 }, reader);
  for (let i = 0; i < 50; i++) {
    engine.grant(3);
    await new Promise(setImmediate);
  }
  const text = (await finished(draft)).text;
  for (const events of await Promise.all(readers)) expect(textOf(events)).toBe(text);
  expect(wakeups.size).toBe(0);
});

it('the checker of these tests detects a repeated and a swapped event', () => {
  const event = (n: number): DraftEvent => ({
    type: 'tokens',
    revision: n,
    cursor: Buffer.from(JSON.stringify(['d', n])).toString('base64url'),
    text: `${n}`,
    tokens: [],
  });
  expect(textOf([event(1), event(2)])).toBe('12');
  expect(() => textOf([event(1), event(1)])).toThrow();
  expect(() => textOf([event(2), event(1)])).toThrow();
});
