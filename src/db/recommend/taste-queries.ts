import type { Database } from '../client.ts';
import type { Sql, Transaction } from '../connection/transaction.ts';
import type { FeedbackKindColumn } from '../queries/listener-queries.ts';
import type { ReactionRow } from './recommend-queries.ts';

/** Identifies the feedback of a listener that has been read. Any change of the feedback changes it. */
export interface FeedbackMark {
  count: number;
  /** Sum of the ids. */
  checksum: number;
  lastId: number;
  /** Sum of the revisions of the listener's verdicts. */
  revisions: number;
}

export interface MarkedReactions {
  rows: ReactionRow[];
  mark: FeedbackMark;
}

/**
 * A listener's feedback, one row per track and kind: at most `limit`, newest first, but disliked and hidden tracks
 * before all others, because they must stay excluded. The mark comes from the same statement, so it is of the same
 * moment.
 */
export async function selectReactions({ sql }: Database, listenerId: number, limit: number): Promise<MarkedReactions> {
  const rows = await sql<(FeedbackMark & Nullable<ReactionColumns>)[]>`
    with ${markOf(sql, listenerId)}, standing as (
      select track_id::float8 as "trackId", kind::text as kind, sum(plays)::float8 as plays, max(at) as at
      from standing_feedback where listener_id = ${listenerId}
      group by track_id, kind order by kind in ('DISLIKE', 'HIDE') desc, max(at) desc, track_id limit ${limit}
    )
    select * from mark left join standing on true`;
  return { rows: reactionsIn(rows).sort(newestFirst), mark: markIn(rows) };
}

/** The feedback since then. Null if anything else has changed, so that all of it must be read again. */
export async function selectNewReactions(
  { sql }: Database,
  listenerId: number,
  known: FeedbackMark,
): Promise<MarkedReactions | null> {
  const rows = await sql<(FeedbackMark & Nullable<ReactionColumns & { id: number; stands: boolean }>)[]>`
    with ${markOf(sql, listenerId)}
    select mark.*, f.id::float8 as id, track_id::float8 as "trackId", kind::text as kind, plays::float8 as plays, at,
      exists (select from standing_feedback s where s.id = f.id and s.listener_id = ${listenerId}) as stands
    from mark left join feedback f on listener_id = ${listenerId} and f.id > ${known.lastId}
    order by at desc, track_id`;
  const mark = markIn(rows);
  const fresh = rows.filter(({ id }) => id !== null);
  const isAddition =
    mark.count === known.count + fresh.length &&
    mark.checksum === known.checksum + fresh.reduce((sum, { id }) => sum + (id ?? 0), 0) &&
    mark.revisions === known.revisions;
  return isAddition ? { rows: reactionsIn(fresh.filter(({ stands }) => stands)), mark } : null;
}

type Nullable<Row> = { [Key in keyof Row]: Row[Key] | null };
type ReactionColumns = Omit<ReactionRow, 'at'> & { at: string };

const markOf = (sql: Database['sql'], listenerId: number) => sql`
  mark as (
    select count(*)::float8 as count, coalesce(sum(id), 0)::float8 as checksum, coalesce(max(id), 0)::float8 as "lastId",
      (select coalesce(sum(revision), 0)::float8 from verdicts where listener_id = ${listenerId}) as revisions
    from feedback where listener_id = ${listenerId}
  )`;

function markIn([row]: readonly FeedbackMark[]): FeedbackMark {
  const { count = 0, checksum = 0, lastId = 0, revisions = 0 } = row ?? {};
  return { count, checksum, lastId, revisions };
}

const reactionsIn = (rows: readonly Nullable<ReactionColumns>[]): ReactionRow[] =>
  rows.flatMap(({ trackId, kind, plays, at }) =>
    trackId === null || kind === null || plays === null || at === null
      ? []
      : [{ trackId, kind, plays, at: new Date(at) }],
  );

/** Rows with the same time are ordered by track, then kind, so that the order does not depend on what was read when. */
export const newestFirst = (a: ReactionRow, b: ReactionRow): number =>
  b.at.getTime() - a.at.getTime() || a.trackId - b.trackId || (a.kind < b.kind ? -1 : 1);

// ── What an app shows ──

/** What a listener did with a track, as an app shows it. */
export interface ViewerFeedbackRow {
  trackId: number;
  reaction: 'LIKE' | 'DISLIKE' | null;
  isSaved: boolean;
  /** It was hidden, and neither liked nor saved since. */
  isHidden: boolean;
  lastPlayedAt: Date | null;
  playCount: number;
}

/** With what a change has to know besides. */
interface Standing extends ViewerFeedbackRow {
  /** Hidden once, and not taken back: even if it was liked since. */
  hides: boolean;
  lastVerdictAt: Date | null;
}

type StandingRow = Omit<Standing, 'lastPlayedAt' | 'lastVerdictAt'> & {
  lastPlayedAt: string | null;
  lastVerdictAt: string | null;
};

/** A COMPLETE this soon after a PLAY is the end of that play. */
const PLAY_LASTS = '1 hour';

/** When a listener last said each thing of a track, as far as it stands. */
const verdictTimes = (sql: Sql | Transaction) => sql`
  select listener_id, track_id, max(at) filter (where kind = 'LIKE') as liked, max(at) filter (where kind = 'DISLIKE') as disliked,
    max(at) filter (where kind = 'SAVE') as saved, max(at) filter (where kind = 'HIDE') as hidden, max(at) as last
  from standing_feedback`;

const isHidden = (sql: Sql | Transaction) => sql`
  hidden > greatest(saved, case when disliked is null or liked > disliked then liked end, '-infinity')`;

/** For each of these tracks that the listener did anything with, in one statement. */
export async function selectViewerFeedback(
  sql: Sql | Transaction,
  listenerId: number,
  trackIds: readonly number[],
): Promise<Standing[]> {
  // The driver does not know how arrays are spelled.
  const ids = `{${trackIds.join()}}`;
  const rows = await sql<StandingRow[]>`
    with verdict as (
      ${verdictTimes(sql)}
      where listener_id = ${listenerId} and track_id = any (${ids}::text::bigint[]) and kind in ('LIKE', 'DISLIKE', 'SAVE', 'HIDE')
      group by listener_id, track_id
    ), play as (
      select *, lag(kind) over before as before, lag(at) over before as before_at from feedback
      where listener_id = ${listenerId} and track_id = any (${ids}::text::bigint[]) and kind in ('PLAY', 'COMPLETE')
      window before as (partition by track_id order by at, id)
    ), plays as (
      select track_id, max(at) as last, coalesce(sum(plays) filter (where not (kind = 'COMPLETE' and plays = 1
        and coalesce(before = 'PLAY' and at - before_at < ${PLAY_LASTS}::text::interval, false))), 0) as count
      from play group by track_id
    )
    select track_id::float8 as "trackId",
      case when liked > disliked or disliked is null and liked is not null then 'LIKE' when disliked is not null then 'DISLIKE' end
        as reaction,
      saved is not null as "isSaved", hidden is not null as hides, coalesce(${isHidden(sql)}, false) as "isHidden",
      plays.last as "lastPlayedAt", verdict.last as "lastVerdictAt", coalesce(plays.count, 0)::float8 as "playCount"
    from verdict full join plays using (track_id)`;
  return rows.map(({ lastPlayedAt, lastVerdictAt, ...row }) => {
    return { ...row, lastPlayedAt: dateOf(lastPlayedAt), lastVerdictAt: dateOf(lastVerdictAt) };
  });
}

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** What a listener says of a track in one dimension; null: takes it back. */
export type Verdict =
  | { dimension: 'REACTION'; kind: 'LIKE' | 'DISLIKE' | null }
  | { dimension: 'SAVED'; kind: 'SAVE' | null }
  | { dimension: 'HIDDEN'; kind: 'HIDE' | null };

export interface NewVerdict {
  listenerId: number;
  trackId: number;
  verdict: Verdict;
  requestId: string | null;
  at: Date;
}

/**
 * Says it, unless it holds already: the verdict, and, where it is not taken back, feedback of its kind, in one transaction.
 * @returns whether anything changed, or what there is no such of
 */
export function stateVerdict(sql: Sql, verdict: NewVerdict): Promise<boolean | 'listener' | 'track'> {
  const { listenerId, trackId } = verdict;
  return sql.begin(async (tx): Promise<boolean | 'listener' | 'track'> => {
    // The row lock makes two changes of one listener take turns, and an erasure wait.
    const listener = await tx`select from listeners where id = ${listenerId} for no key update`;
    if (listener.length === 0) return 'listener';
    const track = await tx`select from tracks where id = ${trackId} for key share`;
    if (track.length === 0) return 'track';
    const [known] = await selectViewerFeedback(tx, listenerId, [trackId]);
    if (holds(verdict.verdict, known)) return false;
    await writeVerdict(tx, verdict, known?.lastVerdictAt ?? null);
    return true;
  });
}

function holds({ dimension, kind }: Verdict, known: Standing | undefined): boolean {
  switch (dimension) {
    case 'REACTION':
      return (known?.reaction ?? null) === kind;
    case 'SAVED':
      return (known?.isSaved ?? false) === (kind !== null);
    case 'HIDDEN':
      return kind === null ? !known?.hides : (known?.isHidden ?? false);
  }
}

/** It comes after what was said before, even if that was said by a client whose clock runs ahead. */
async function writeVerdict(tx: Transaction, verdict: NewVerdict, lastAt: Date | null): Promise<void> {
  const { listenerId, trackId, requestId } = verdict;
  const { dimension, kind } = verdict.verdict;
  const at = new Date(Math.max(verdict.at.getTime(), (lastAt?.getTime() ?? 0) + 1)).toISOString();
  if (kind !== null) await insertEvent(tx, { listenerId, trackId, kind, at, requestId });
  await tx`
    insert into verdicts (listener_id, track_id, dimension, kind, at, feedback_id)
    select ${listenerId}::bigint, ${trackId}::bigint, ${dimension}::text::verdict_dimension, ${kind}::text::feedback_kind,
      ${at}::text::timestamptz, coalesce(max(id), 0)
    from feedback where listener_id = ${listenerId} and track_id = ${trackId}
    on conflict (listener_id, track_id, dimension) do update set
      kind = excluded.kind, at = excluded.at, feedback_id = excluded.feedback_id, revision = verdicts.revision + 1`;
}

async function insertEvent(
  tx: Transaction,
  event: { listenerId: number; trackId: number; kind: FeedbackKindColumn; at: string; requestId: string | null },
): Promise<void> {
  await tx`
    insert into feedback (listener_id, track_id, kind, at, request_id)
    values (${event.listenerId}, ${event.trackId}, ${event.kind}::text::feedback_kind, ${event.at}::text::timestamptz,
      ${event.requestId}::text::uuid)`;
}

/** Deletes feedback; a verdict that came with it is taken back. */
export async function deleteFeedback(sql: Sql, id: number): Promise<void> {
  await sql.begin(async (tx) => {
    const [gone] = await tx<{ listenerId: number; trackId: number; kind: FeedbackKindColumn }[]>`
      delete from feedback where id = ${id}
      returning listener_id::float8 as "listenerId", track_id::float8 as "trackId", kind`;
    if (!gone) return;
    await tx`update verdicts set kind = null, revision = revision + 1
      where listener_id = ${gone.listenerId} and track_id = ${gone.trackId} and kind = ${gone.kind}::text::feedback_kind and feedback_id = ${id}`;
  });
}

/** What a listener marked a track as, by their last word on it. */
export type TrackMark = 'LIKED' | 'DISLIKED' | 'SAVED' | 'HIDDEN';

export interface MarkedTrackRow {
  trackId: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Marked tracks of several listeners, newest first, at most `limit` each, after a place in that order. */
export async function selectMarkedTracks(
  sql: Sql,
  listenerIds: readonly number[],
  { mark, after, limit }: { mark: TrackMark; after: MarkedTrackRow | null; limit: number },
): Promise<(MarkedTrackRow & { listenerId: number })[]> {
  return sql<(MarkedTrackRow & { listenerId: number })[]>`
    with ranked as (
      select *, row_number() over (partition by listener_id order by at desc, track_id desc) as number
      from (${markedTracks(sql, listenerIds, mark)}) as marked
      where ${after === null} or (at, track_id) < (${after?.at ?? 0}, ${after?.trackId ?? 0})
    )
    select listener_id::float8 as "listenerId", track_id::float8 as "trackId", at
    from ranked where number <= ${limit} order by listener_id, number`;
}

export async function countMarkedTracks(sql: Sql, listenerIds: readonly number[], mark: TrackMark) {
  const rows = await sql<{ listenerId: number; total: number }[]>`
    select listener_id::float8 as "listenerId", count(*)::float8 as total
    from (${markedTracks(sql, listenerIds, mark)}) as marked group by listener_id`;
  return new Map(rows.map(({ listenerId, total }) => [listenerId, total]));
}

function markedTracks(sql: Sql, listenerIds: readonly number[], mark: TrackMark) {
  const isMarked = {
    LIKED: sql`liked > disliked or disliked is null and liked is not null`,
    DISLIKED: sql`disliked is not null and (liked is null or disliked >= liked)`,
    SAVED: sql`saved is not null`,
    HIDDEN: isHidden(sql),
  }[mark];
  const at = { LIKED: sql`liked`, DISLIKED: sql`disliked`, SAVED: sql`saved`, HIDDEN: sql`hidden` }[mark];
  return sql`
    select listener_id, track_id, floor(extract(epoch from ${at}) * 1000)::float8 as at
    from (${verdictTimes(sql)}
      where listener_id = any (${`{${listenerIds.join()}}`}::text::bigint[]) and kind in ('LIKE', 'DISLIKE', 'SAVE', 'HIDE')
      group by listener_id, track_id) as verdict
    where ${isMarked}`;
}
