import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { createDrafts, type DraftEvent, moveLogs, openLogStore } from '../../../src/drafts/drafts.ts';
import { Disposal } from '../../../src/lib/async/disposal.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import { ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';
import { hasNats, type Nats, startNats } from '../../support/network/nats.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { eventually } from '../../support/time/eventually.ts';

const never = () => Promise.resolve();

describe.runIf(hasNats)('with NATS', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());
  const configOf = (kind: 'postgres' | 'nats') =>
    kind === 'nats' ? { kind, url: nats.url, replicas: 1 } : ({ kind } as const);
  const natsOf = () => ({ url: nats.url, replicas: 1 });

  /** One life of a node that keeps its logs there. */
  async function life<Result>(
    database: Database,
    kind: 'postgres' | 'nats',
    granted: number,
    work: (node: Awaited<ReturnType<typeof nodeOn>>) => Promise<Result>,
  ): Promise<Result> {
    const disposal = new Disposal();
    try {
      return await work(await nodeOn(disposal, database, kind, granted));
    } finally {
      await disposal[Symbol.asyncDispose]();
    }
  }

  async function nodeOn(disposal: Disposal, database: Database, kind: 'postgres' | 'nats', granted: number) {
    const wakeups = new LocalWakeups();
    const { store, release } = await openLogStore({ database, config: configOf(kind), wakeups });
    disposal.defer(release);
    const engine = new ScriptedEngine({ granted });
    engine.ready = granted > 0;
    const parts = { database, wakeups, clock: systemClock, log: silentLogger };
    const drafts = disposal.use(createDrafts({ ...parts, engine, store }));
    const ann: Viewer = { listener: await createListeners(parts).ensure('ann'), roles: new Set(['LISTENER']) };
    drafts.recover();
    const load = async (id: string) => (await drafts.byIds(ann, [id])).get(id)!;
    const readToEnd = async (id: string) => {
      const events: DraftEvent[] = [];
      for await (const event of drafts.follow(ann, id, null)) events.push(event);
      return load(id);
    };
    const untilWritten = (id: string, tokens: number) =>
      eventually(async () => expect((await load(id)).usage.completionTokens).toBe(tokens));
    /** Everything of the drafts that anybody can see. */
    const all = (ids: readonly string[]) =>
      Promise.all(ids.map(async (id) => ({ draft: await load(id), entries: await store.read(id, 0, 10_000) })));
    return { drafts, engine, ann, store, load, readToEnd, untilWritten, all };
  }

  /** A finished draft of several hands, one of which only the text is kept, one that goes on, and one that was taken up. */
  async function someDrafts(database: Database): Promise<{ ids: string[]; unfinished: string[]; text: string }> {
    const start = (node: Awaited<ReturnType<typeof nodeOn>>, maxTokens: number) =>
      node.drafts.start(node.ann, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens, seed: 5 } });
    const [turns, compacted, taken] = await life(database, 'postgres', 12 + 8 + 306, async (node) => {
      const old = await start(node, 12);
      await node.readToEnd(old.id);
      await node.store.compact(new Date('2100-01-01'), 10);
      const two = await start(node, 8);
      await node.readToEnd(two.id);
      await node.drafts.continue(node.ann, { draftId: two.id, instruction: 'More', sampling: { maxTokens: 10 } });
      const { text, sequence } = await node.readToEnd(two.id);
      const edited = { draftId: two.id, text: `By hand. ${text}`, ifRevision: sequence };
      const { sequence: ifRevision } = await node.drafts.update(node.ann, edited);
      // A part that is written between what a person and the model wrote before.
      await node.drafts.continue(node.ann, { draftId: two.id, at: 9, ifRevision, sampling: { maxTokens: 6 } });
      await node.readToEnd(two.id);
      const going = await start(node, 400);
      await node.untilWritten(going.id, 290);
      return [two.id, old.id, going.id] as const;
    });
    return life(database, 'postgres', 5, async (node) => {
      await node.untilWritten(taken, 295);
      const waiting = await start(node, 20);
      const request = node.engine.requests[0]!;
      return {
        ids: [turns, compacted, taken, waiting.id],
        unfinished: [taken, waiting.id],
        text: scriptedText(request),
      };
    });
  }

  it('[LOG14] moves every log, whatever stops it and when, and back; drafts go on in their new place', async () => {
    const database = await testDatabase();
    const { ids, unfinished, text } = await someDrafts(database);
    // Without an engine that is ready, what is unfinished stays as it is.
    const look = (kind: 'postgres' | 'nats') => life(database, kind, 0, ({ all }) => all(ids));
    const before = await look('postgres');
    expect(before.map(({ draft }) => draft.status)).toEqual(['COMPLETED', 'COMPLETED', 'GENERATING', 'GENERATING']);
    for (const [from, to] of [
      ['postgres', 'nats'],
      ['nats', 'postgres'],
      ['postgres', 'nats'],
    ] as const) {
      const started = await look(from);
      let failures = 0;
      for (; ; failures++) {
        const move = moveLogs({ database: failingAfter(database, failures), nats: natsOf(), to, sleep: never });
        const outcome = await move.then(
          () => null,
          (error: unknown) => error,
        );
        if (outcome === null) break;
        expect(outcome).toMatchObject({ message: 'killed' });
      }
      expect(failures).toBeGreaterThan(10);
      await expect(openLogStore({ database, config: configOf(from), wakeups: new LocalWakeups() })).rejects.toThrow(
        `Start with CADENZA_LOG=${to}`,
      );
      const moved = await look(to);
      for (const [i, { draft, entries }] of moved.entries()) {
        const { entries: old, draft: was } = started[i]!;
        expect(entries).toEqual(old);
        expect(draft.text).toBe(was.text);
        expect(draft.usage.completionTokens).toBe(was.usage.completionTokens);
        expect([draft.prompt, draft.title, draft.finishReason, draft.createdAt]).toEqual([
          was.prompt,
          was.title,
          was.finishReason,
          was.createdAt,
        ]);
      }
    }
    expect(await database.sql`select from draft_events`).toHaveLength(0);
    await life(database, 'nats', Infinity, async (node) => {
      for (const id of unfinished) expect((await node.readToEnd(id)).status).toBe('COMPLETED');
      expect((await node.load(unfinished[0]!)).text).toBe(text);
      const more = await node.drafts.continue(node.ann, { draftId: ids[1]!, sampling: { maxTokens: 3 } });
      const whole = await node.readToEnd(more.id);
      expect(whole.text.startsWith(before[1]!.draft.text)).toBe(true);
      expect(whole.usage.completionTokens).toBe(15);
    });
  }, 240_000);

  it('[LOG14] does not begin while a node runs, and lets no node start before it has ended', async () => {
    const database = await testDatabase();
    await life(database, 'postgres', Infinity, async ({ drafts, ann, readToEnd }) => {
      const { id } = await drafts.start(ann, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 3 } });
      await readToEnd(id);
    });
    const [living, dead] = [randomUUID(), randomUUID()];
    await database.sql`insert into nodes (id, models) values (${living}, '[]'), (${dead}, '[]')`;
    const beat = async (): Promise<void> => {
      await database.sql`update nodes set beat = beat + 1 where id = ${living}`;
    };
    const move = (to: 'nats' | 'postgres', sleep = never) => moveLogs({ database, nats: natsOf(), to, sleep });
    const open = (kind: 'postgres' | 'nats') =>
      openLogStore({ database, config: configOf(kind), wakeups: new LocalWakeups() });
    await expect(move('nats', beat)).rejects.toThrow('Stop all of them');
    expect(await database.sql`select id from nodes`).toEqual([{ id: living }]);
    onTestFinished((await open('postgres')).release);
    const stopped = moveLogs({
      database,
      nats: natsOf(),
      to: 'nats',
      sleep: never,
      signal: AbortSignal.abort(new Error('stopped')),
    });
    await expect(stopped).rejects.toThrow('stopped');
    for (const kind of ['postgres', 'nats'] as const)
      await expect(open(kind)).rejects.toThrow(/being moved to NATS.*npm run logs -- move postgres nats/);
    // Given up.
    expect(await move('postgres')).toBe(0);
    onTestFinished((await open('postgres')).release);
  });
});

/** A database that fails after so many statements, as if the process had been killed there. */
function failingAfter(database: Database, statements: number): Database {
  let left = statements;
  const count = (): void => {
    if (left-- <= 0) throw new Error('killed');
  };
  const { sql } = database;
  const begin = (...args: Parameters<typeof sql.begin>): unknown => {
    count();
    return sql.begin(...args);
  };
  const counted = new Proxy(sql, {
    apply: (target, self, args) => {
      count();
      return Reflect.apply(target, self, args) as unknown;
    },
    get: (target, key) => (key === 'begin' ? begin : (Reflect.get(target, key) as unknown)),
  });
  return { ...database, sql: counted };
}
