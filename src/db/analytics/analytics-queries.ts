import type { PendingQuery, Row } from 'postgres';
import { allowing } from '../access/consent-queries.ts';
import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';

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

/** What a breakdown goes along, by the names of the columns. */
export type AxisColumn =
  'model_version' | 'surface' | 'position' | 'slug' | 'reason' | 'reason_track' | 'preference' | 'segment' | 'day';

/** The values along the axes that were asked for, as text; positions are numbers. */
export type AxesRow = EngagementRow & Partial<Record<AxisColumn, string | number | null>>;

export interface AnalyticsRange {
  from: Date;
  to: Date;
  modelVersion: string | null;
  /** The name of the time zone in which days begin. */
  timeZone: string;
}

/** The period, and whose rows are counted in it. */
type Counted = AnalyticsRange & Pick<Database, 'consentUnlessSaid'>;

const countedBy = (range: AnalyticsRange, { consentUnlessSaid }: Database): Counted => ({
  ...range,
  consentUnlessSaid,
});

export interface AnalyticsRows {
  engagement: DimensionRow[];
  genres: CountedGenre[];
  unattributed: number;
}

export interface CountedGenre {
  id: number;
  slug: string;
  name: string;
  trackCount: number;
}

export interface CoverageRow {
  served: number;
  tracks: number;
  /** The share of the impressions that the most served hundredth of the catalogue has. */
  topShare: number | null;
}

type Terms = Parameters<Database['asOfOneMoment']>[0];

/** Positions below are counted together. */
const LAST_POSITION = 100;
/** Events of a listener before the period. With fewer than the first, the listener is new; with fewer than the second, light. */
const SEGMENTS = { light: 1, heavy: 50 };

/**
 * Counts the reactions to every position served in the range along each dimension, from one set of rows, so that every
 * breakdown adds up to the total ([ATTR3]). All counts are as of one moment. Who does not allow analytics is in none of
 * them.
 */
export async function selectAnalytics(database: Database, range: AnalyticsRange, terms: Terms): Promise<AnalyticsRows> {
  const counted = countedBy(range, database);
  return database.asOfOneMoment(terms, async (tx) => ({
    engagement: await selectEngagement(tx, counted),
    genres: await selectGenres(tx),
    unattributed: await countUnattributed(tx, counted),
  }));
}

/** The same along several dimensions at once, most impressions first. */
export async function selectBreakdown(
  database: Database,
  range: AnalyticsRange,
  { axes, limit }: { axes: readonly AxisColumn[]; limit: number },
  terms: Terms,
): Promise<{ rows: AxesRow[]; genres: CountedGenre[] }> {
  return database.asOfOneMoment(terms, async (tx) => ({
    rows: await tx<AxesRow[]>`
      ${outcomesOf(tx, countedBy(range, database), axes.includes('segment'))}
      select ${tx(axes)}, ${countsIn(tx)} from outcomes
      group by ${tx(axes)} order by impressions desc, ${tx(axes)} limit ${limit}`,
    genres: axes.includes('slug') ? await selectGenres(tx) : [],
  }));
}

/** Which part of the catalogue was served. */
export async function selectCoverage(database: Database, range: AnalyticsRange, terms: Terms): Promise<CoverageRow> {
  return database.asOfOneMoment(terms, async (tx) => {
    const [row] = await tx<[CoverageRow]>`
      with served as (
        select track_id, count(*) as impressions from recommendation_lists, unnest(track_ids) as track_id
        where ${isIn(tx, countedBy(range, database))} group by track_id
      ), catalogue as (select count(*) as tracks from tracks where withdrawn_at is null
      ), ranked as (select impressions, row_number() over (order by impressions desc) as number from served)
      select (select count(*) from served join tracks on id = track_id where withdrawn_at is null)::float8 as served,
        tracks::float8 as tracks,
        (select (sum(impressions) filter (where number <= ceil(tracks / 100.0)) / sum(impressions))::float8 from ranked) as "topShare"
      from catalogue`;
    return row;
  });
}

const selectGenres = (tx: Transaction) => tx<CountedGenre[]>`
  select id::float8 as id, slug, name, (select count(*) from track_genres where genre_id = id)::float8 as "trackCount" from genres`;

type Fragment = PendingQuery<Row[]>;

/** Lists in the range that somebody was shown: what staff looks at is no impression. */
const isIn = (tx: Transaction, { from, to, modelVersion, ...consents }: Counted): Fragment => tx`
  created_at >= ${from.toISOString()}::timestamptz and created_at < ${to.toISOString()}::timestamptz
  and surface <> 'PREVIEW' and (${modelVersion}::text is null or model_version = ${modelVersion})
  and ${allowing(tx, 'analytics', consents, tx`recommendation_lists.listener_id`)}`;

const countsIn = (tx: Transaction): Fragment => tx`
  count(*)::float8 as impressions, count(*) filter (where clicked)::float8 as clicks,
  count(*) filter (where completed)::float8 as completions, count(*) filter (where liked)::float8 as likes,
  count(*) filter (where skipped)::float8 as skips, count(*) filter (where rejected)::float8 as rejections`;

/** One row for each impression, with its dimensions and what became of it. */
function outcomesOf(tx: Transaction, range: Counted, withSegments: boolean): Fragment {
  return tx`
    with lists as materialized (
      select * from recommendation_lists where ${isIn(tx, range)}
    ), positions as (
      select l.id, l.listener_id, l.model_version, l.surface, l.created_at,
        served.track_id, coalesce(served.cause, '-') as cause, l.first_rank + served.number - 1 as position
      from lists l cross join lateral
        unnest(l.track_ids, string_to_array(l.causes, E'\\n')) with ordinality as served (track_id, cause, number)
      where served.track_id is not null
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
    ), segments as (${withSegments ? segmentsOf(tx, range) : tx`select null::bigint as listener_id, null::text as segment`}
    ), outcomes as (
      select model_version, surface::text as surface, case when position <= ${LAST_POSITION} then position end as position,
        slug, to_char(created_at at time zone ${range.timeZone}::text, 'YYYY-MM-DD') as day, segment,
        case left(cause, 1) when 'h' then 'HISTORY' when 'p' then 'PREFERENCE' when 'o' then 'POPULARITY' else 'NONE' end as reason,
        case left(cause, 1) when 'h' then nullif(substr(cause, 2), '') end as reason_track,
        case left(cause, 1) when 'p' then nullif(substr(cause, 2), '') end as preference,
        clicked, completed, liked, skipped, rejected
      from positions
        left join reactions on reactions.request_id = positions.id and reactions.listener_id = positions.listener_id
          and reactions.track_id = positions.track_id
        left join main_genres on main_genres.track_id = positions.track_id
        left join segments on segments.listener_id = positions.listener_id
    )`;
}

/** How much is known of each listener when the period begins. No more is counted than decides. */
const segmentsOf = (tx: Transaction, { from }: AnalyticsRange): Fragment => tx`
  select listener_id, case when events < ${SEGMENTS.light} then 'NEW' when events < ${SEGMENTS.heavy} then 'LIGHT' else 'HEAVY' end as segment
  from (select distinct listener_id from lists) shown cross join lateral (
    select count(*) as events from (
      select from feedback f where f.listener_id = shown.listener_id and f.at < ${from.toISOString()}::timestamptz limit ${SEGMENTS.heavy}
    ) known) counted`;

function selectEngagement(tx: Transaction, range: Counted) {
  return tx<DimensionRow[]>`
    ${outcomesOf(tx, range, false)}
    select case
        when grouping(model_version) = 0 then 'version' when grouping(surface) = 0 then 'surface'
        when grouping(position) = 0 then 'position' when grouping(slug) = 0 then 'genre'
        when grouping(reason) = 0 then 'reason' when grouping(day) = 0 then 'day' else 'total' end as dimension,
      coalesce(model_version, surface, position::text, slug, reason, day) as key,
      ${countsIn(tx)}
    from outcomes
    group by grouping sets ((), (model_version), (surface), (position), (slug), (reason), (day))
    order by dimension, position, impressions desc, key`;
}

/** Counts feedback that names no list with this track and listener: another listener's list, or one no longer kept. */
async function countUnattributed(tx: Transaction, { from, to, ...consents }: Counted): Promise<number> {
  const [row] = await tx<[{ count: number }]>`
    select count(*)::float8 as count from feedback f
    where f.request_id is not null and ${allowing(tx, 'analytics', consents, tx`f.listener_id`)}
      and f.at >= ${from.toISOString()}::timestamptz and f.at < ${to.toISOString()}::timestamptz
      and not exists (
        select from recommendation_lists l
        where l.id = f.request_id and l.listener_id = f.listener_id and f.track_id = any (l.track_ids))`;
  return row.count;
}
