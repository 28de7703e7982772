import type { Database } from '../client.ts';
import type { ReactionRow } from './recommend-queries.ts';

/** Identifies the feedback of a listener that has been read. Any change of the feedback changes it. */
export interface FeedbackMark {
  count: number;
  /** Sum of the ids. */
  checksum: number;
  lastId: number;
}

export interface MarkedReactions {
  rows: ReactionRow[];
  mark: FeedbackMark;
}

type MarkedRow = Omit<ReactionRow, 'at'> & { at: string } & FeedbackMark;

/**
 * A listener's feedback, one row per track and kind: at most `limit`, newest first, but disliked and hidden tracks
 * before all others, because they must stay excluded. The mark comes from the same statement, so it is of the same
 * moment.
 */
export async function selectReactions({ sql }: Database, listenerId: number, limit: number): Promise<MarkedReactions> {
  const rows = await sql<MarkedRow[]>`
    select track_id::float8 as "trackId", kind::text as kind, sum(plays)::float8 as plays, max(at) as at,
      (sum(count(*)) over ())::float8 as count, (sum(sum(id)) over ())::float8 as checksum,
      (max(max(id)) over ())::float8 as "lastId"
    from feedback where listener_id = ${listenerId}
    group by track_id, kind order by kind in ('DISLIKE', 'HIDE') desc, max(at) desc, track_id limit ${limit}`;
  const { count = 0, checksum = 0, lastId = 0 } = rows[0] ?? {};
  return { rows: rows.map(toReaction).sort(newestFirst), mark: { count, checksum, lastId } };
}

/** The feedback since then. Null if anything else has changed, so that all of it must be read again. */
export async function selectNewReactions(
  { sql }: Database,
  listenerId: number,
  known: FeedbackMark,
): Promise<MarkedReactions | null> {
  const found = await sql<
    (FeedbackMark & { id: number | null; trackId: number; plays: number; at: string; kind: ReactionRow['kind'] })[]
  >`
    with mark as (
      select count(*)::float8 as count, coalesce(sum(id), 0)::float8 as checksum, coalesce(max(id), 0)::float8 as "lastId"
      from feedback where listener_id = ${listenerId}
    )
    select mark.*, id::float8 as id, track_id::float8 as "trackId", kind::text as kind, plays::float8 as plays, at
    from mark left join feedback on listener_id = ${listenerId} and id > ${known.lastId}
    order by at desc, track_id`;
  const [mark] = found;
  const rows = found.filter(({ id }) => id !== null);
  const isAddition =
    mark?.count === known.count + rows.length &&
    mark.checksum === known.checksum + rows.reduce((sum, { id }) => sum + (id ?? 0), 0);
  if (!isAddition) return null;
  const { count, checksum, lastId } = mark;
  return { rows: rows.map(toReaction), mark: { count, checksum, lastId } };
}

const toReaction = ({
  trackId,
  kind,
  plays,
  at,
}: Pick<MarkedRow, 'trackId' | 'kind' | 'plays' | 'at'>): ReactionRow => ({
  ...{ trackId, kind, plays },
  at: new Date(at),
});

/** Rows with the same time are ordered by track, then kind, so that the order does not depend on what was read when. */
export const newestFirst = (a: ReactionRow, b: ReactionRow): number =>
  b.at.getTime() - a.at.getTime() || a.trackId - b.trackId || (a.kind < b.kind ? -1 : 1);
