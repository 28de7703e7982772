import type { MergeCounts } from '../catalogue/track-merge.ts';
import type { Transaction } from '../connection/transaction.ts';
import { withoutChecksOfReferences } from './checked-references.ts';

export interface FeedbackMerge extends MergeCounts {
  newListeners: number;
  /** Number of rows without a time. */
  untimed: number;
}

/**
 * Rows of a partition: with their keys and their pages of the indexes they fit in memory, and the time to merge a row is
 * the same for the first partition and the last. All rows of one listener are in one partition.
 */
const PARTITION_ROWS = 250_000;

/** Told at the start and after each partition, with the rows that are merged and all rows. */
export type OnMerged = (merged: number, rows: number) => void;

/**
 * Merges the staged rows. A row equals an earlier one if listener and key are the same or, without a key, listener,
 * track, kind and time. Of rows without a time, the n-th of a listener, track and kind equals the n-th of the previous
 * import and keeps its time. Of equal rows in one import the last counts, and the others are unchanged; imprecise ones
 * give way to any other.
 *
 * Rows are merged in the order of their listeners, in which the table's largest indexes are: each page of these is
 * touched once, not again and again.
 */
export async function mergeStagedFeedback(
  tx: Transaction,
  onMerged?: OnMerged,
  partitionRows = PARTITION_ROWS,
): Promise<FeedbackMerge> {
  const newListeners = await makeUnknownListeners(tx);
  const { rows, untimed } = await placeFeedback(tx);
  await createPlan(tx);
  const merge = { created: 0, updated: 0, newListeners, untimed };
  let merged = 0;
  onMerged?.(merged, rows);
  for (const partition of await partitionsOf(tx, partitionRows)) {
    const { created, updated } = await mergePartition(tx, partition);
    merge.created += created;
    merge.updated += updated;
    merged += partition.rows;
    onMerged?.(merged, rows);
  }
  return { ...merge, unchanged: rows - merge.created - merge.updated };
}

async function makeUnknownListeners(tx: Transaction): Promise<number> {
  const { count } = await tx`
    insert into listeners (external_id, display_name)
    select distinct n.name, n.name from staged_listener_names n join (select distinct listener from staged_feedback) s
      on s.listener = n.number
    order by n.name on conflict (external_id) do nothing`;
  return count;
}

/**
 * The staged rows with ids in place of numbers, sorted by listener. Listeners and tracks are locked against deletion as
 * a check of a reference to them locks them, once each.
 */
async function placeFeedback(tx: Transaction): Promise<{ rows: number; untimed: number }> {
  await tx`analyze listeners`;
  for (const [names, table] of [
    ['staged_listener_names', 'listeners'],
    ['staged_track_names', 'tracks'],
  ] as const) {
    await tx`create temp table ${tx(`found_${table}`)} on commit drop as
      select n.number, x.id from ${tx(names)} n join ${tx(table)} x on x.external_id = n.name for key share of x`;
    await tx`analyze ${tx(`found_${table}`)}`;
  }
  await tx`create temp table placed_feedback on commit drop as
    select s.line, l.id as listener_id, t.id as track_id, s.kind, s.plays, s.listened_ms, s.at_ms, s.timed, s.key, s.coarse
    from staged_feedback s join found_listeners l on l.number = s.listener join found_tracks t on t.number = s.track
    order by l.id`;
  await tx`truncate staged_feedback`;
  await tx`create index on placed_feedback using brin (listener_id) with (pages_per_range = 16)`;
  await tx`analyze placed_feedback`;
  const [placed] = await tx<{ rows: number; untimed: number }[]>`
    select count(*)::float8 as rows, (count(*) filter (where not timed))::float8 as untimed from placed_feedback`;
  return placed ?? { rows: 0, untimed: 0 };
}

interface Partition {
  first: string;
  last: string;
  rows: number;
}

function partitionsOf(tx: Transaction, rows: number): Promise<Partition[]> {
  return tx<Partition[]>`
    select min(listener_id)::text as first, max(listener_id)::text as last, sum(rows)::float8 as rows from (
      select listener_id, rows, div(sum(rows) over (order by listener_id) - rows, ${rows}::int) as partition
      from (select listener_id, count(*) as rows from placed_feedback group by listener_id) each_listener
    ) placed group by partition order by partition`;
}

/** What is to become of a partition's rows. The last one's stays: all rows of an import that has one listener. */
async function createPlan(tx: Transaction): Promise<void> {
  await tx`create temp table feedback_plan (
    line bigint, listener_id bigint, track_id bigint, kind feedback_kind, plays int, listened_ms int, at timestamptz, dedupe_key text,
    known bigint, is_changed boolean
  ) on commit drop`;
}

async function mergePartition(
  tx: Transaction,
  { first, last }: Partition,
): Promise<Pick<MergeCounts, 'created' | 'updated'>> {
  await tx`truncate feedback_plan`;
  await planPartition(tx, first, last);
  const [changes] = await tx<{ exist: boolean }[]>`select exists (select from feedback_plan where is_changed) as exist`;
  return withoutChecksOfReferences(tx, async () => {
    const updated = changes?.exist ? await updateKnown(tx) : 0;
    const { count: created } = await tx`
      insert into feedback (listener_id, track_id, kind, plays, listened_ms, at, dedupe_key)
      select listener_id, track_id, kind, plays, listened_ms, at, dedupe_key from feedback_plan where known is null
      order by listener_id, at, line`;
    return { created, updated };
  });
}

/** One row for each key, with the row that is in the table already. */
async function planPartition(tx: Transaction, first: string, last: string): Promise<void> {
  const within = tx`between ${first}::text::bigint and ${last}::text::bigint`;
  // Statistics know nothing of the rows that this import added; a loop over them for each row would never end.
  await tx`set local enable_nestloop = off`;
  await tx`insert into feedback_plan
    select p.line, p.listener_id, p.track_id, p.kind, p.plays, p.listened_ms, case when p.timed or f.id is null then p.at else f.at end,
      p.dedupe_key, f.id, f.id is not null and not p.coarse and ((f.track_id, f.kind, f.plays, f.listened_ms)
        is distinct from (p.track_id, p.kind, p.plays, p.listened_ms) or p.timed and f.at <> p.at)
    from (
      select distinct on (listener_id, dedupe_key) *, to_timestamp(at_ms::float8 / 1000) as at from (
        select *, 'import:' || coalesce(key, kind || ':' || track_id || ':' || at_ms) as dedupe_key
        from placed_feedback where listener_id ${within} and (key is not null or timed)
        union all
        select *, 'import:' || kind || ':' || track_id || '#' || row_number() over (partition by listener_id, track_id, kind order by line)
        from placed_feedback where listener_id ${within} and key is null and not timed
      ) keyed order by listener_id, dedupe_key, coarse, line desc
    ) p left join (select * from feedback where listener_id ${within} and dedupe_key is not null) f
      on f.listener_id = p.listener_id and f.dedupe_key = p.dedupe_key`;
  await tx`set local enable_nestloop = on`;
}

async function updateKnown(tx: Transaction): Promise<number> {
  await tx`analyze feedback_plan`;
  const { count } = await tx`
    update feedback f set track_id = p.track_id, kind = p.kind, plays = p.plays, listened_ms = p.listened_ms, at = p.at
    from feedback_plan p where f.id = p.known and p.is_changed`;
  return count;
}
