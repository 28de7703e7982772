import { inArray, type SQL, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { drafts, nodes } from '../tables.ts';
import { type DraftRow, KEPT_EPOCHS } from './draft-columns.ts';
import { type PayerColumns } from './draft-inserts.ts';
import { selectDrafts } from './draft-queries.ts';

export interface NodeRow {
  id: string;
  beat: number;
  models: unknown;
  /** Whether the connection that it keeps open can be seen. */
  isConnected: boolean;
}

export async function insertNode({ db, listenerName }: Database, id: string, models: unknown): Promise<void> {
  await db.insert(nodes).values({ id, models, connection: listenerName });
}

/**
 * Sends a heartbeat and reads all nodes in one round trip. If the node is not in the list, the others have declared it
 * dead.
 */
export async function beatAndLook({ sql: run }: Database, id: string, models: unknown): Promise<NodeRow[]> {
  return run<NodeRow[]>`
    with me as (update nodes set beat = beat + 1, models = ${JSON.stringify(models)}::jsonb where id = ${id} returning id)
    select id, beat::float8 as beat, models,
      exists (select from pg_stat_activity where application_name = nodes.connection) as "isConnected"
    from nodes`;
}

/** All nodes, and their latest heartbeats. */
export async function selectNodes({ sql: run }: Database): Promise<Pick<NodeRow, 'id' | 'beat'>[]> {
  return run<Pick<NodeRow, 'id' | 'beat'>[]>`select id, beat::float8 as beat from nodes`;
}

/**
 * Removes a node and fences it off from every draft that it was writing, in one statement. From then on it can append
 * nothing, and any node with a free place may take the drafts. With `beat`, only if there has been no heartbeat since.
 */
export async function buryNode({ sql: run }: Database, id: string, beat: number | null): Promise<boolean> {
  const rows = await run`
    with dead as (
      delete from nodes where id = ${id} and (${beat}::bigint is null or beat = ${beat}::bigint) returning id
    ), left_behind as (
      update drafts d set owner = null, epoch = d.epoch + 1 from dead
      where d.owner = dead.id and d.status in ('QUEUED', 'GENERATING')
    )
    select id from dead`;
  return rows.length > 0;
}

/** The drafts that a node looks for: see drafts/nodes. */
interface DraftSearch {
  node: string;
  models: readonly { id: string; fingerprint?: string | null }[];
  busy: readonly string[];
  overdue: readonly string[];
}

/** The models of a search that unowned drafts wait for, the oldest draft's first. */
export async function selectAwaitedModels(db: Queryable, search: DraftSearch): Promise<string[]> {
  const rows = await db.execute<{ model_id: string }>(sql`
    select d.model_id from drafts d where ${isFree(search)} and not ${isLeft(search)}
    group by d.model_id order by min(d.created_at), d.model_id`);
  return rows.map(({ model_id }) => model_id);
}

/**
 * Later than that of a draft `d`, and unlike any that it had after a backup: with two of them, a reader that knows an
 * event of a lost log would not notice that another is in its place ([LOG13]).
 */
const laterEpoch = sql`d.epoch + 1 + floor(random() * 4294967296)::bigint`;

/** Number of the epochs of `d` in which anything was written. */
const written = sql`width_bucket(d.sequence - 1, d.epoch_starts)`;
/**
 * Begins the epoch of a row `next` where the log of `d` ends. Each change by a person is an epoch: of more than are kept
 * the oldest are forgotten, and count as epoch 0.
 */
const toNextEpoch = sql`epoch = next.epoch,
  epochs = (d.epochs[:${written}] || next.epoch)[greatest(1, ${written} + 2 - ${KEPT_EPOCHS}::int):],
  epoch_starts = (d.epoch_starts[:${written}] || d.sequence)[greatest(1, ${written} + 2 - ${KEPT_EPOCHS}::int):]`;

/**
 * Claims a draft that waits for one of these models: of the listener with the fewest drafts being written, the oldest
 * ([OWN3]). Concurrent nodes claim different ones.
 */
export async function claimDraft(database: Database, search: DraftSearch): Promise<DraftRow | null> {
  const [claimed] = await database.db.execute<{ id: string }>(sql`
    with written as (
      select listener_id, count(*) as drafts from drafts
      where status in ('QUEUED', 'GENERATING') and owner is not null group by listener_id
    ),
    next as (
      select d.id, ${laterEpoch} as epoch from drafts d left join written w on w.listener_id = d.listener_id
      where ${isFree(search)} and not ${isLeft(search)}
      order by coalesce(w.drafts, 0), d.created_at, d.id limit 1 for update of d skip locked
    )
    update drafts d set owner = ${search.node}, ${toNextEpoch} from next where d.id = next.id returning d.id`);
  return claimed ? ((await selectDrafts(database, [claimed.id]))[0] ?? null) : null;
}

/** The unowned drafts of a search that it leaves to nodes which compute as what wrote these. */
export async function selectLeftToOthers(db: Queryable, search: DraftSearch): Promise<string[]> {
  const rows = await db.execute<{ id: string }>(sql`
    select d.id from drafts d where ${isFree(search)} and ${isLeft(search)}`);
  return rows.map(({ id }) => id);
}

function isFree({ node, models, busy }: DraftSearch): SQL {
  const ids = models.map(({ id }) => id);
  const unowned = sql`(d.owner is null or case when d.owner = ${node} then not ${contains(busy, sql`d.id::text`)}
    else not exists (select from nodes n where n.id = d.owner) end)`;
  return sql`d.status in ('QUEUED', 'GENERATING') and ${unowned} and ${contains(ids, sql`d.model_id`)}`;
}

/** Never null, so that it can be negated. */
function isLeft({ node, models, overdue }: DraftSearch): SQL {
  const own = Object.fromEntries(models.map(({ id, fingerprint }) => [id, fingerprint ?? null]));
  const same = sql`jsonb_build_object('id', d.model_id, 'status', 'READY', 'fingerprint', d.usage -> 'computedBy')`;
  return sql`(d.status = 'GENERATING' and d.usage ? 'computedBy' and not ${contains(overdue, sql`d.id::text`)}
    and d.usage ->> 'computedBy' is distinct from ${JSON.stringify(own)}::jsonb ->> d.model_id
    and exists (select from nodes n where n.id <> ${node} and n.models @> jsonb_build_array(${same})))`;
}

const contains = (list: readonly string[], value: SQL): SQL => sql`(${JSON.stringify(list)}::jsonb ? ${value})`;

/**
 * Fences off the previous writer and takes ownership of the draft.
 * @returns the draft as it is then; null if it is gone
 */
export async function seizeDraft(database: Database, me: string | null, id: string): Promise<DraftRow | null> {
  const raised = await database.db.execute(sql`
    with next as (select d.id, ${laterEpoch} as epoch from drafts d where d.id = ${id} for update)
    update drafts d set owner = ${me}, ${toNextEpoch} from next where d.id = next.id returning d.id`);
  return raised.length ? ((await selectDrafts(database, [id]))[0] ?? null) : null;
}

/**
 * The same for a draft that has ended and whose epoch is still this one: a continuation that was recorded meanwhile keeps
 * the epoch, and its writer must not be fenced off.
 * @returns its new epoch; null if somebody else has taken or continued it since, or it is gone
 */
export async function seizeUnchanged(
  db: Queryable,
  me: string | null,
  { draftId: id, epoch, payer }: { draftId: string; epoch: number; payer: PayerColumns | null },
): Promise<number | null> {
  const paid = payer && sql`, payer_id = ${payer.payerId}::bigint, payer_key_id = ${payer.payerKeyId}::bigint`;
  const [raised] = await db.execute<{ epoch: string }>(sql`
    with next as (
      select d.id, ${laterEpoch} as epoch from drafts d
      where d.id = ${id} and d.epoch = ${epoch}::bigint and d.status in ('COMPLETED', 'CANCELLED', 'FAILED')
      for update
    )
    update drafts d set owner = ${me}, ${toNextEpoch}${paid ?? sql``} from next where d.id = next.id returning d.epoch`);
  return raised ? Number(raised.epoch) : null;
}

export async function selectEpochs(db: Queryable, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .select({ id: drafts.id, epoch: drafts.epoch })
    .from(drafts)
    .where(inArray(drafts.id, [...ids]));
  return new Map(rows.map(({ id, epoch }) => [id, epoch]));
}
