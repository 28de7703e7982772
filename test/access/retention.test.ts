import { expect, it, onTestFinished } from 'vitest';
import { AuditLog, type Removal, removalsOf, Retention } from '../../src/access/access.ts';
import type { KeptDays } from '../../src/config.ts';
import type { Database } from '../../src/db/client.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { loggerTo, silentLogger } from '../../src/lib/log.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { addDrafts } from '../support/drafts/drafts.ts';
import { startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

const DAY_MS = 86_400_000;
const days: KeptDays = { drafts: 20, logs: 10, lists: 30, feedback: 40, usage: 62, audit: 50 };
const DUE = `update chores set done_at = '-infinity' where name = 'retention'`;

/** A clock of some days from now. */
const inDays = (later: () => number): Clock => ({
  now: () => Date.now() + later() * DAY_MS,
  monotonic: () => performance.now(),
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

async function live(database: Database, listenerId: number): Promise<void> {
  const { sql } = database;
  const { ids } = await addTracks(database, someTracks(2));
  await addDrafts(database, listenerId, 3);
  await sql`update drafts set updated_at = now()`;
  await sql`insert into recommendation_lists (id, listener_id, model_version) select gen_random_uuid(), ${listenerId}, 'v' from generate_series(1, 3)`;
  await sql`insert into feedback (listener_id, track_id, kind) select ${listenerId}, ${ids[0]!}, 'PLAY' from generate_series(1, 3)`;
  await sql`insert into verdicts (listener_id, track_id, dimension, kind, at, feedback_id) values (${listenerId}, ${ids[1]!}, 'SAVED', 'SAVE', now(), 0)`;
  await sql`insert into usage_days (day, listener_id, requests) select current_date - n, ${listenerId}, 1 from generate_series(1, 3) n`;
  await sql`insert into audit_entries (action, outcome, at) select 'x', 'DONE', now() - interval '51 days' union all select 'y', 'DONE', now()`;
}

async function counts({ sql }: Database): Promise<Record<string, number>> {
  const [row] = await sql<Record<string, number>[]>`
    select (select count(*)::int from drafts) as drafts, (select count(*)::int from recommendation_lists) as lists,
      (select count(*)::int from feedback) as feedback, (select count(*)::int from verdicts) as verdicts,
      (select count(*)::int from usage_days) as usage, (select count(*)::int from audit_entries) as audit`;
  return row!;
}

it('[RETAIN1] each kind is removed after its own number of days, and what has no number is kept', async () => {
  const { database, services } = await startListening();
  const ann = await services.listeners.ensure('ann');
  await live(database, ann.id);
  let later = 0;
  const clock = inDays(() => later);
  const audit = new AuditLog(database);
  const retain = async (kept: KeptDays) => {
    await database.sql.unsafe(DUE);
    const removals = removalsOf(database, services.drafts, audit, kept.audit);
    return new Retention({ database, clock, log: silentLogger, days: kept, removals }).turn();
  };
  const all = { drafts: 3, lists: 3, feedback: 3, verdicts: 1, usage: 3, audit: 2 };
  expect(await counts(database)).toEqual(all);
  expect(await retain(days)).toEqual({ audit: 1 });
  later = 19;
  await retain(days);
  expect(await counts(database)).toEqual({ ...all, audit: 1 });
  later = 21;
  expect(await retain(days)).toMatchObject({ drafts: 3 });
  later = 31;
  expect(await retain(days)).toMatchObject({ lists: 3 });
  later = 10_000;
  expect(await retain({ ...days, feedback: null, usage: null })).toEqual({});
  expect(await counts(database)).toEqual({ ...all, drafts: 0, lists: 0, audit: 1 });
  expect(await retain(days)).toEqual({ feedback: 3, usage: 3 });
  // What a listener has set stays until they take it back.
  expect(await counts(database)).toEqual({ drafts: 0, lists: 0, feedback: 0, verdicts: 1, usage: 0, audit: 1 });
});

it('[RETAIN1] a draft that is being written stays, however old', async () => {
  const { database, services } = await startListening();
  const ann = await services.listeners.ensure('ann');
  await addDrafts(database, ann.id, 2);
  await database.sql`update drafts set created_at = now() - interval '100 days', updated_at = now() - interval '100 days'`;
  await database.sql`update drafts set status = 'GENERATING' where id = (select min(id::text)::uuid from drafts)`;
  const removed = await services.drafts.deleteFinished(new Date(Date.now() - DAY_MS), 10);
  expect([removed, (await counts(database)).drafts]).toEqual([1, 1]);
});

/** Removes so much at once and takes a second for it, and says what it removed of which kind. */
function slowly(kind: Removal['kind'], amount: number, { clock, asked }: ReturnType<typeof stepped>): Removal {
  let left = amount;
  return {
    ...{ kind, atOnce: 7 },
    remove: (_, most) => {
      const some = Math.min(most, left);
      left -= some;
      clock.seconds += 1;
      asked.push(`${kind} ${some}`);
      return Promise.resolve(some);
    },
  };
}

function stepped() {
  const clock = { seconds: 0, now: () => Date.now(), monotonic: () => clock.seconds * 1_000 };
  return { clock, asked: [] as string[] };
}

it('[RETAIN1] old drafts are found by an index, however many are not old', async () => {
  const { database, services } = await startListening();
  const { sql } = database;
  const ann = await services.listeners.ensure('ann');
  const [draft] = await addDrafts(database, ann.id, 1);
  await sql`
    insert into drafts (id, listener_id, kind, title, prompt, visibility, status, model_id, sampling, turns, usage)
    select gen_random_uuid(), listener_id, kind, title, prompt, visibility, 'COMPLETED', model_id, sampling, turns, usage
    from drafts, generate_series(1, 5000) where id = ${draft!}`;
  await sql`update drafts set created_at = now() - interval '30 days', updated_at = now() where id = ${draft!}`;
  await sql`analyze drafts`;
  const scans = async () => {
    const [row] = await sql<{ n: number }[]>`
      select idx_scan::int as n from pg_stat_user_indexes where indexrelname = 'drafts_ended_index'`;
    return row?.n;
  };
  const yesterday = new Date(Date.now() - DAY_MS);
  // Begun long ago and changed since: not old.
  expect(await services.drafts.deleteFinished(yesterday, 10)).toBe(0);
  await expect.poll(scans, { timeout: 60_000 }).toBeGreaterThan(0);
  await sql`update drafts set updated_at = now() - interval '20 days' where id = ${draft!}`;
  expect(await services.drafts.deleteFinished(yesterday, 10)).toBe(1);
  expect((await counts(database)).drafts).toBe(5_000);
});

it('[RETAIN2] one node does it, in small statements and for two minutes of a turn, and tells what is left', async () => {
  const database = await testDatabase();
  const steps = stepped();
  const lines: string[] = [];
  const log = loggerTo({ write: (line) => void lines.push(line) }, 'info');
  const removals = [slowly('lists', Infinity, steps), slowly('feedback', Infinity, steps), slowly('usage', 25, steps)];
  const nodes = [1, 2].map(() => new Retention({ database, clock: steps.clock, log, days, removals }));
  const turns = await Promise.all(nodes.map((node) => node.turn()));
  // A hundred and twenty statements: those of what has an end, and half of the others each.
  expect(turns.filter((turn) => turn !== null)).toEqual([{ lists: 58 * 7, feedback: 58 * 7, usage: 25 }]);
  expect(steps.asked).toHaveLength(120);
  expect(steps.asked.slice(0, 4)).toEqual(['lists 7', 'feedback 7', 'usage 7', 'lists 7']);
  const left = lines.filter((line) => line.includes('More is to be removed'));
  expect(left.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ kinds: ['lists', 'feedback'] }) as object,
  ]);
});

it('[RETAIN2] what was kept for years before a limit was set is gone in one turn if that is quick', async () => {
  const { database, services } = await startListening();
  const { id } = await services.listeners.ensure('ann');
  await database.sql`insert into usage_days (day, listener_id, requests)
    select current_date - 100 - n, ${id}::bigint, 1 from generate_series(1, 150000) n`;
  const audit = new AuditLog(database);
  const drafts = { compact: () => Promise.resolve(0), deleteFinished: () => Promise.resolve(0) };
  const removals = removalsOf(database, drafts, audit, days.audit);
  const clock = { now: () => Date.now(), monotonic: () => 0 };
  const removed = await new Retention({ database, clock, log: silentLogger, days, removals }).turn();
  expect(removed).toEqual({ usage: 150_000 });
  expect((await counts(database)).usage).toBe(0);
});

it('[RETAIN1] what cannot be removed keeps nothing else, and a node that stops ends between two statements', async () => {
  const database = await testDatabase();
  let statements = 0;
  const begun = deferred();
  const go = deferred();
  const broken: Removal = { kind: 'lists', atOnce: 1, remove: () => Promise.reject(new Error('broken')) };
  const slow: Removal = {
    kind: 'feedback',
    atOnce: 1,
    remove: async () => {
      statements += 1;
      begun.resolve();
      await go.promise;
      return 1;
    },
  };
  const retention = new Retention({
    ...{ database, clock: inDays(() => 0), log: silentLogger, days },
    removals: [broken, slow],
  });
  const keeping = retention.keep();
  onTestFinished(() => keeping[Symbol.asyncDispose]());
  await begun.promise;
  const stopped = keeping[Symbol.asyncDispose]();
  go.resolve();
  await stopped;
  expect(statements).toBe(1);
});
