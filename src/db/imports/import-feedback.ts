import type { MergeCounts } from '../catalogue/track-merge.ts';
import type { Transaction } from '../transaction.ts';
import { copyRows } from './import-copy.ts';

/** A validated feedback row of a source. */
export interface StagedFeedback {
  /** External ids. */
  listener: string;
  track: string;
  kind: 'PLAY' | 'COMPLETE' | 'LIKE' | 'SAVE' | 'SKIP' | 'DISLIKE' | 'HIDE';
  plays: number;
  listenedMs: number | null;
  at: Date;
  /** Whether the source gave a time. Otherwise `at` is the import's. */
  timed: boolean;
  /** Identifies the row in later imports. If null, listener, kind, time and track do. */
  key: string | null;
  /**
   * Whether the row is imprecise, so that the same row of another source, in this import or an earlier one, takes
   * precedence.
   */
  coarse?: boolean;
}

export async function createFeedbackStaging(tx: Transaction): Promise<void> {
  await tx`create temp table staged_feedback (
    line bigint, listener text, track text, kind feedback_kind, plays int, listened_ms int, at timestamptz, timed boolean, key text,
    coarse boolean
  ) on commit drop`;
}

export function copyFeedback(
  tx: Transaction,
  batches: AsyncIterable<readonly { line: number; row: StagedFeedback }[]>,
): Promise<void> {
  return copyRows(
    tx,
    'staged_feedback (line, listener, track, kind, plays, listened_ms, at, timed, key, coarse)',
    (async function* () {
      for await (const batch of batches) {
        yield batch.map(({ line, row }) => [
          line,
          row.listener,
          row.track,
          row.kind,
          row.plays,
          row.listenedMs,
          row.at,
          row.timed,
          row.key,
          row.coarse ?? false,
        ]);
      }
    })(),
  );
}

/** Removes the rows of unknown tracks from the staging table and reports each. */
export async function takeUnknownTracks(
  tx: Transaction,
  tell: (row: { line: number; track: string }) => void,
): Promise<void> {
  await tx`analyze staged_feedback`;
  const unknown = tx<{ line: string; track: string }[]>`
    select line, track from staged_feedback s where not exists (select from tracks t where t.external_id = s.track)
    order by line`;
  for await (const rows of unknown.cursor(1000)) {
    for (const { line, track } of rows) tell({ line: Number(line), track });
  }
  await tx`delete from staged_feedback s where not exists (select from tracks t where t.external_id = s.track)`;
}

export interface FeedbackMerge extends MergeCounts {
  newListeners: number;
  /** Number of rows without a time. */
  untimed: number;
}

/**
 * Merges the staged rows. A row equals an earlier one if listener and key are the same or, without a key, listener,
 * track, kind and time. Of rows without a time, the n-th of a listener, track and kind equals the n-th of the previous
 * import and keeps its time. Of equal rows in one import the last counts, and the others are unchanged; imprecise ones
 * give way to any other.
 */
export async function mergeStagedFeedback(tx: Transaction): Promise<FeedbackMerge> {
  const { count: newListeners } = await tx`
    insert into listeners (external_id, display_name)
    select distinct listener, listener from staged_feedback order by listener on conflict (external_id) do nothing`;
  const [staged] = await tx<{ rows: number; untimed: number }[]>`
    select count(*)::int as rows, count(*) filter (where not timed)::int as untimed from staged_feedback`;
  await planFeedback(tx);
  const { count: updated } = await tx`
    update feedback f set track_id = p.track_id, kind = p.kind, plays = p.plays, listened_ms = p.listened_ms,
      at = case when p.timed then p.at else f.at end
    from feedback_plan p where f.listener_id = p.listener_id and f.dedupe_key = p.dedupe_key and not p.coarse
      and ((f.track_id, f.kind, f.plays, f.listened_ms) is distinct from (p.track_id, p.kind, p.plays, p.listened_ms)
        or p.timed and f.at <> p.at)`;
  const { count: created } = await tx`
    insert into feedback (listener_id, track_id, kind, plays, listened_ms, at, dedupe_key)
    select listener_id, track_id, kind, plays, listened_ms, at, dedupe_key from feedback_plan order by at, line
    on conflict (listener_id, dedupe_key) do nothing`;
  const { rows, untimed } = staged ?? { rows: 0, untimed: 0 };
  return { created, updated, unchanged: rows - created - updated, newListeners, untimed };
}

/** One row for each key in the staging table, with ids instead of names. */
async function planFeedback(tx: Transaction): Promise<void> {
  await tx`analyze listeners`;
  await tx`create temp table feedback_plan on commit drop as
    select distinct on (listener_id, dedupe_key) * from (
      select s.line, l.id as listener_id, t.id as track_id, s.kind, s.plays, s.listened_ms, s.at, s.timed, s.coarse,
        'import:' || coalesce(s.key, s.kind || ':' || t.id || ':' || (extract(epoch from s.at) * 1000)::bigint) as dedupe_key
      from staged_feedback s join listeners l on l.external_id = s.listener join tracks t on t.external_id = s.track
      where s.key is not null or s.timed
      union all
      select s.line, l.id, t.id, s.kind, s.plays, s.listened_ms, s.at, s.timed, s.coarse,
        'import:' || s.kind || ':' || t.id || '#' || row_number() over (partition by l.id, t.id, s.kind order by s.line)
      from staged_feedback s join listeners l on l.external_id = s.listener join tracks t on t.external_id = s.track
      where s.key is null and not s.timed
    ) keyed order by listener_id, dedupe_key, coarse, line desc`;
  await tx`analyze feedback_plan`;
}
