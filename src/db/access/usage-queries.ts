import { and, asc, count, eq, gte, lte, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { takeChore } from '../nodes/chores.ts';
import { apiKeys, usageDays } from './access-tables.ts';

/** What a node has counted of one party on one day. */
export interface CountedUse {
  day: string;
  listenerId: number;
  keyId: number | null;
  requests: number;
  drafts: number;
  /** Of texts that were scored. Those of drafts are noted with the drafts. */
  tokensIn: number;
  tokensOut: number;
  engineMs: number;
}

/**
 * Notes a portion of a node's counts. The same portion again, whose answer was lost, is not added twice.
 * @param writer the node's id, whose portions are numbered from 1
 */
export async function noteUses(
  { sql: driver }: Database,
  writer: string,
  portion: number,
  uses: readonly CountedUse[],
): Promise<void> {
  await driver`
    with mine as (
      insert into usage_writers (id, portion) values (${writer}, ${portion})
      on conflict (id) do update set portion = excluded.portion, at = now() where usage_writers.portion < excluded.portion
      returning id
    )
    insert into usage_entries (day, listener_id, key_id, requests, drafts, tokens_in, tokens_out, engine_ms)
    select u.day, u."listenerId", u."keyId", u.requests, u.drafts, u."tokensIn", u."tokensOut", u."engineMs"
    from mine, jsonb_to_recordset(${JSON.stringify(uses)}::text::jsonb) as u (day date, "listenerId" bigint, "keyId" bigint,
      requests int, drafts int, "tokensIn" int, "tokensOut" int, "engineMs" float8)`;
}

const FOLDED_AT_ONCE = 10_000;
const FORGOTTEN_AFTER = '2 days';

/**
 * Adds entries to the days that they belong to, at most so many; those of listeners and keys that are gone are dropped.
 * Those of a listener who is being erased or claimed are left for later: whoever does so has the listener's row, and
 * waits for entries, so that waiting for that row here would be a deadlock.
 * @returns whether there may be more
 */
export async function foldEntries({ sql: driver }: Database): Promise<boolean> {
  const [folded] = await driver<[{ entries: number }]>`
    with first as materialized (
      select id, listener_id from usage_entries order by id limit ${FOLDED_AT_ONCE}
    ), kept as materialized (
      select id from listeners where id in (select listener_id from first) for key share skip locked
    ), taken as (
      delete from usage_entries where id in (
        select id from usage_entries e where id in (select id from first) and (
          listener_id in (select id from kept) or not exists (select from listeners l where l.id = e.listener_id))
        for update skip locked
      ) returning *
    ), sums as (
      select t.day, t.listener_id, t.key_id, sum(t.requests) as requests, sum(t.drafts) as drafts, sum(t.tokens_in) as tokens_in,
        sum(t.tokens_out) as tokens_out, sum(t.engine_ms) as engine_ms
      from taken t join listeners l on l.id = t.listener_id left join api_keys k on k.id = t.key_id
      where t.key_id is null or k.id is not null
      -- Two nodes that fold at once lock the days in one order.
      group by 1, 2, 3 order by 1, 2, 3
    ), added as (
      insert into usage_days (day, listener_id, key_id, requests, drafts, tokens_in, tokens_out, engine_ms)
      select * from sums
      on conflict (day, listener_id, key_id) do update set requests = usage_days.requests + excluded.requests,
        drafts = usage_days.drafts + excluded.drafts, tokens_in = usage_days.tokens_in + excluded.tokens_in,
        tokens_out = usage_days.tokens_out + excluded.tokens_out, engine_ms = usage_days.engine_ms + excluded.engine_ms
    ), forgotten as (
      delete from usage_writers where at < now() - ${FORGOTTEN_AFTER}::text::interval
    )
    select count(*)::int as entries from taken`;
  return folded.entries === FOLDED_AT_ONCE;
}

const MEASURED_WITHIN_MS = 6 * 3_600_000;

/** Measures what is stored of drafts and documents, for the one who answers for each. Every six hours, on one node. */
export async function measureStorage({ sql: driver }: Database, day: string): Promise<void> {
  await driver.begin(async (tx) => {
    if (!(await takeChore(tx, 'usage-storage', MEASURED_WITHIN_MS))) return;
    await tx`
      with stored as (
        select coalesce(d.payer_id, d.listener_id) as listener_id, d.payer_key_id as key_id,
          ${tx.unsafe(sizes('d', ['title', 'prompt', 'sampling', 'turns', 'usage', 'texts', 'origin']))} + coalesce((
            select sum(${tx.unsafe(sizes('e', ['event', 'text', 'tokens']))}) from draft_events e where e.draft_id = d.id
          ), 0) as bytes
        from drafts d
        union all
        select d.listener_id, null, ${tx.unsafe(sizes('d', ['title', 'snapshot']))} + coalesce((
          select sum(${tx.unsafe(sizes('u', ['update']))}) from document_updates u where u.document_id = d.id), 0)
        from documents d
      )
      insert into usage_days (day, listener_id, key_id, stored_bytes)
      select ${day}::text::date, l.id, k.id, sum(s.bytes)::bigint
      from stored s join listeners l on l.id = s.listener_id left join api_keys k on k.id = s.key_id
      group by 2, 3 order by 2, 3
      on conflict (day, listener_id, key_id) do update set stored_bytes = excluded.stored_bytes`;
  });
}

/** What values take where they are stored, compressed as they are there. */
const sizes = (table: string, columns: readonly string[]): string =>
  columns.map((column) => `coalesce(pg_column_size(${table}.${column}), 0)`).join(' + ');

/** What a key has used on a day and in its month, and what it may. */
export interface KeySpending {
  keyId: number;
  quota: unknown;
  requestsToday: number;
  draftsToday: number;
  tokensToday: number;
  tokensThisMonth: number;
}

/** Of keys that are there, up to now. */
export async function selectSpending(
  { sql: driver }: Database,
  keyIds: readonly number[],
  day: string,
): Promise<KeySpending[]> {
  return driver<KeySpending[]>`
    select k.id::float8 as "keyId", k.quota,
      coalesce(sum(u.requests) filter (where u.day = today.day), 0)::float8 as "requestsToday",
      coalesce(sum(u.drafts) filter (where u.day = today.day), 0)::float8 as "draftsToday",
      coalesce(sum(u.tokens) filter (where u.day = today.day), 0)::float8 as "tokensToday",
      coalesce(sum(u.tokens), 0)::float8 as "tokensThisMonth"
    from (select ${day}::text::date as day) today cross join api_keys k
    left join lateral (
      select day, requests, drafts, tokens_in + tokens_out as tokens from usage_days
      where key_id = k.id and day >= date_trunc('month', today.day::timestamp)::date and day <= today.day
      union all
      select day, requests, drafts, tokens_in + tokens_out from usage_entries
      where key_id = k.id and day >= date_trunc('month', today.day::timestamp)::date and day <= today.day
    ) u on true
    where k.id = any(${`{${keyIds.join(',')}}`}::bigint[])
    group by k.id, today.day`;
}

const columns = {
  id: usageDays.id,
  day: usageDays.day,
  listenerId: usageDays.listenerId,
  keyId: usageDays.keyId,
  requests: usageDays.requests,
  drafts: usageDays.drafts,
  tokensIn: usageDays.tokensIn,
  tokensOut: usageDays.tokensOut,
  engineMs: usageDays.engineMs,
  storedBytes: usageDays.storedBytes,
};

export interface UsageRow {
  id: number;
  day: string;
  listenerId: number;
  keyId: number | null;
  requests: number;
  drafts: number;
  tokensIn: number;
  tokensOut: number;
  engineMs: number;
  storedBytes: number;
}

/** Which days of whose use. Null: of all. */
export interface UsageSelection {
  from: string;
  to: string;
  listenerId: number | null;
  keyId: number | null;
}

const selected = ({ from, to, listenerId, keyId }: UsageSelection) =>
  and(
    gte(usageDays.day, from),
    lte(usageDays.day, to),
    listenerId === null ? undefined : eq(usageDays.listenerId, listenerId),
    keyId === null ? undefined : eq(usageDays.keyId, keyId),
  );

/** By day, then by the order in which they began to be used. */
export function selectUsage(
  db: Queryable,
  selection: UsageSelection,
  after: { day: string; id: number } | null,
  limit: number,
): Promise<UsageRow[]> {
  const beyond = after && sql`(${usageDays.day}, ${usageDays.id}) > (${after.day}::date, ${after.id}::bigint)`;
  return db
    .select(columns)
    .from(usageDays)
    .where(and(selected(selection), beyond ?? undefined))
    .orderBy(asc(usageDays.day), asc(usageDays.id))
    .limit(limit);
}

export async function countUsage(db: Queryable, selection: UsageSelection): Promise<number> {
  const [row] = await db.select({ total: count() }).from(usageDays).where(selected(selection));
  return row?.total ?? 0;
}

/** What a key, or a listener without one, used in a period. */
export interface UsageTotal extends Omit<UsageRow, 'id' | 'day' | 'storedBytes'> {
  owner: string;
  keyPrefix: string | null;
  keyName: string | null;
  /** The mean over all days of the period. */
  storedBytes: number;
}

/** In the order of owners and keys. */
export async function totalUsage({ sql: driver }: Database, from: string, to: string): Promise<UsageTotal[]> {
  return driver<UsageTotal[]>`
    select u.listener_id::float8 as "listenerId", u.key_id::float8 as "keyId", l.external_id as owner, k.prefix as "keyPrefix",
      k.name as "keyName", sum(u.requests)::float8 as requests, sum(u.drafts)::float8 as drafts,
      sum(u.tokens_in)::float8 as "tokensIn", sum(u.tokens_out)::float8 as "tokensOut", sum(u.engine_ms)::float8 as "engineMs",
      (sum(u.stored_bytes) / (${to}::text::date - ${from}::text::date + 1))::float8 as "storedBytes"
    from usage_days u join listeners l on l.id = u.listener_id left join api_keys k on k.id = u.key_id
    where u.day between ${from}::text::date and ${to}::text::date
    group by u.listener_id, u.key_id, l.external_id, k.prefix, k.name
    order by l.external_id, k.prefix nulls first`;
}

export async function updateQuota(db: Queryable, id: number, quota: object): Promise<void> {
  await db.update(apiKeys).set({ quota }).where(eq(apiKeys.id, id));
}

/** A listener's own use, for a copy of everything that is stored of them. */
export async function* readUsageOf({ sql: driver }: Database, listenerId: number): AsyncGenerator<object> {
  const rows = driver<Record<string, unknown>[]>`
    select u.day::text, k.prefix as key, u.requests::float8, u.drafts::float8, u.tokens_in::float8 as "tokensIn",
      u.tokens_out::float8 as "tokensOut", u.engine_ms as "engineMs", u.stored_bytes::float8 as "storedBytes"
    from usage_days u left join api_keys k on k.id = u.key_id where u.listener_id = ${listenerId} order by u.day, u.id`;
  for await (const some of rows.cursor(500)) yield* some;
}
