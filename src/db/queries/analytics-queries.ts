import type { Database } from '../client.ts';
import type { Transaction } from '../transaction.ts';

interface EngagementRow {
  impressions: number;
  clicks: number;
  completions: number;
  likes: number;
  skips: number;
  rejections: number;
}

export type Dimension = 'total' | 'version' | 'surface' | 'position' | 'genre' | 'reason' | 'day';

export interface DimensionRow extends EngagementRow {
  dimension: Dimension;
  /** The value of the dimension as text. Null if there is none. */
  key: string | null;
}

export interface AnalyticsRange {
  from: Date;
  to: Date;
  modelVersion: string | null;
}

export interface AnalyticsRows {
  engagement: DimensionRow[];
  genres: { id: number; slug: string; name: string; trackCount: number }[];
  unattributed: number;
}

/** Positions below are counted together. */
const LAST_POSITION = 100;

/**
 * Counts the reactions to every position served in the range along each dimension, from one set of rows, so that every
 * breakdown adds up to the total ([ATTR3]). All counts are as of one moment.
 */
export async function selectAnalytics(
  database: Database,
  range: AnalyticsRange,
  terms: Parameters<Database['asOfOneMoment']>[0],
): Promise<AnalyticsRows> {
  return database.asOfOneMoment(terms, async (tx) => ({
    engagement: await selectEngagement(tx, range),
    genres: await tx<AnalyticsRows['genres']>`
      select id::float8 as id, slug, name, (select count(*) from track_genres where genre_id = id)::float8 as "trackCount" from genres`,
    unattributed: await countUnattributed(tx, range),
  }));
}

function selectEngagement(tx: Transaction, { from, to, modelVersion }: AnalyticsRange) {
  return tx<DimensionRow[]>`
    with lists as materialized (
      select * from recommendation_lists
      where created_at >= ${from.toISOString()}::timestamptz and created_at < ${to.toISOString()}::timestamptz
        and (${modelVersion}::text is null or model_version = ${modelVersion})
    ), positions as (
      select l.id, l.listener_id, l.model_version, l.surface, l.created_at,
        served.track_id, served.reason, l.first_rank + served.number - 1 as position
      from lists l cross join lateral
        unnest(l.track_ids, l.reasons) with ordinality as served (track_id, reason, number)
    ), reactions as (
      select f.request_id, f.listener_id, f.track_id,
        bool_or(f.kind in ('PLAY', 'COMPLETE', 'LIKE', 'SAVE')) as clicked, bool_or(f.kind = 'COMPLETE') as completed,
        bool_or(f.kind in ('LIKE', 'SAVE') and v.track_id is null) as liked, bool_or(f.kind = 'SKIP') as skipped,
        bool_or(f.kind in ('DISLIKE', 'HIDE') and v.track_id is null) as rejected
      from feedback f join lists on lists.id = f.request_id
        left join verdicts v on v.listener_id = f.listener_id and v.track_id = f.track_id
          and v.dimension::text = case f.kind when 'SAVE' then 'SAVED' when 'HIDE' then 'HIDDEN' else 'REACTION' end
          and v.kind is distinct from f.kind and (f.id <= v.feedback_id or f.at < v.at)
      group by f.request_id, f.listener_id, f.track_id
    ), main_genres as (
      select distinct on (track_id) track_id, slug
      from track_genres join genres on genres.id = genre_id order by track_id, position, genre_id
    ), outcomes as (
      select model_version, surface::text as surface, case when position <= ${LAST_POSITION} then position end as position,
        slug, reason::text as reason, (created_at at time zone 'UTC')::date as day,
        clicked, completed, liked, skipped, rejected
      from positions
        left join reactions on reactions.request_id = positions.id and reactions.listener_id = positions.listener_id
          and reactions.track_id = positions.track_id
        left join main_genres on main_genres.track_id = positions.track_id
    )
    select case
        when grouping(model_version) = 0 then 'version' when grouping(surface) = 0 then 'surface'
        when grouping(position) = 0 then 'position' when grouping(slug) = 0 then 'genre'
        when grouping(reason) = 0 then 'reason' when grouping(day) = 0 then 'day' else 'total' end as dimension,
      coalesce(model_version, surface, position::text, slug, reason, to_char(day, 'YYYY-MM-DD')) as key,
      count(*)::float8 as impressions, count(*) filter (where clicked)::float8 as clicks,
      count(*) filter (where completed)::float8 as completions, count(*) filter (where liked)::float8 as likes,
      count(*) filter (where skipped)::float8 as skips, count(*) filter (where rejected)::float8 as rejections
    from outcomes
    group by grouping sets ((), (model_version), (surface), (position), (slug), (reason), (day))
    order by dimension, position, impressions desc, key`;
}

/** Counts feedback that names no list with this track and listener: another listener's list, or one no longer kept. */
async function countUnattributed(tx: Transaction, { from, to }: AnalyticsRange): Promise<number> {
  const [row] = await tx<[{ count: number }]>`
    select count(*)::float8 as count from feedback f
    where f.request_id is not null
      and f.at >= ${from.toISOString()}::timestamptz and f.at < ${to.toISOString()}::timestamptz
      and not exists (
        select from recommendation_lists l
        where l.id = f.request_id and l.listener_id = f.listener_id and f.track_id = any (l.track_ids))`;
  return row.count;
}
