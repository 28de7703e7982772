import { allowing } from '../access/consent-queries.ts';
import type { Purposes } from '../access/purposes.ts';
import type { Transaction } from '../connection/transaction.ts';

/** What is exported: everything of the period, by versions and surfaces alike. */
export interface ExportRange {
  from: Date;
  to: Date;
}

/** The same of those who allow analytics. */
export interface AllowedRange extends ExportRange {
  consentUnlessSaid: Readonly<Purposes>;
}

/** A list, after which the next page begins. */
export interface ListPlace {
  at: string;
  id: string;
}

/** One position of a served list. Times are as PostgreSQL writes them. Listeners and tracks by the ids of the operator's own system. */
interface ImpressionRow {
  requestId: string;
  listener: string;
  servedAt: string;
  surface: string;
  modelVersion: string;
  position: number;
  track: string;
  propensity: number;
  reason: string;
  reasonOf: string | null;
}

/** `last` is the last list; null if there is none. */
export interface ImpressionPage {
  rows: ImpressionRow[];
  last: ListPlace | null;
}

/**
 * Lists in the order of their times, at most `limit`, with one row for each position.
 */
export async function selectImpressions(
  sql: Transaction,
  { from, to, ...consents }: AllowedRange,
  after: ListPlace | null,
  limit: number,
): Promise<ImpressionPage> {
  const lists = await sql<ListPlace[]>`
    select id, created_at::text as at from recommendation_lists
    where surface <> 'PREVIEW' and created_at >= ${after?.at ?? from.toISOString()}::timestamptz and created_at < ${to.toISOString()}::timestamptz
      and (${after === null} or (created_at, id) > (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
      and ${allowing(sql, 'analytics', consents, sql`recommendation_lists.listener_id`)}
    order by created_at, id limit ${limit}`;
  if (lists.length === 0) return { rows: [], last: null };
  const ids = `{${lists.map(({ id }) => id).join()}}`;
  const rows = await sql<ImpressionRow[]>`
    select l.id as "requestId", s.external_id as listener, l.created_at as "servedAt", l.surface::text as surface,
      l.model_version as "modelVersion", l.first_rank + p.number::int - 1 as position, t.external_id as track,
      coalesce(p.propensity, 1) as propensity,
      case left(p.cause, 1) when 'h' then 'HISTORY' when 'p' then 'PREFERENCE' when 'o' then 'POPULARITY' else 'NONE' end as reason,
      coalesce(h.external_id, nullif(substr(p.cause, 2), '')) as "reasonOf"
    from recommendation_lists l join listeners s on s.id = l.listener_id cross join lateral
      unnest(l.track_ids, l.propensities, string_to_array(l.causes, E'\\n')) with ordinality as p (track_id, propensity, cause, number)
      join tracks t on t.id = p.track_id
      left join tracks h on h.id = case when left(p.cause, 1) = 'h' then nullif(substr(p.cause, 2), '')::bigint end
    where l.id = any(${ids}::uuid[]) order by l.created_at, l.id, p.number`;
  return { rows, last: lists.at(-1) ?? null };
}

/** One event of feedback. */
export interface FeedbackExportRow {
  id: number;
  listener: string;
  track: string;
  kind: string;
  plays: number;
  listenedMs: number | null;
  at: string;
  requestId: string | null;
}

/** Feedback whose list has the track, with the position that it belongs to. */
export interface ClickRow extends FeedbackExportRow {
  modelVersion: string;
  surface: string;
  position: number;
  servedAt: string;
}

/** The number before the first event of the period; feedback is exported in the order in which it was recorded. */
export async function selectFirstFeedback(sql: Transaction, { from, to }: ExportRange): Promise<number | null> {
  const [row] = await sql<[{ first: number | null }]>`
    select (min(id) - 1)::float8 as first from feedback
    where at >= ${from.toISOString()}::timestamptz and at < ${to.toISOString()}::timestamptz`;
  return row.first;
}

/** Events after a number, at most `limit`. */
export async function selectFeedback(
  sql: Transaction,
  { from, to, ...consents }: AllowedRange,
  after: number,
  limit: number,
): Promise<FeedbackExportRow[]> {
  return sql<FeedbackExportRow[]>`
    select f.id::float8 as id, s.external_id as listener, t.external_id as track, f.kind::text as kind, f.plays,
      f.listened_ms as "listenedMs", f.at, f.request_id as "requestId"
    from feedback f join listeners s on s.id = f.listener_id join tracks t on t.id = f.track_id
    where f.id > ${after} and ${allowing(sql, 'analytics', consents, sql`f.listener_id`)}
      and f.at >= ${from.toISOString()}::timestamptz and f.at < ${to.toISOString()}::timestamptz
    order by f.id limit ${limit}`;
}

/** The same of feedback on impressions. */
export async function selectClicks(
  sql: Transaction,
  { from, to, ...consents }: AllowedRange,
  after: number,
  limit: number,
): Promise<ClickRow[]> {
  return sql<ClickRow[]>`
    select f.id::float8 as id, s.external_id as listener, t.external_id as track, f.kind::text as kind, f.plays,
      f.listened_ms as "listenedMs", f.at, f.request_id as "requestId", l.model_version as "modelVersion",
      l.surface::text as surface, l.first_rank + array_position(l.track_ids, f.track_id) - 1 as position, l.created_at as "servedAt"
    from feedback f join recommendation_lists l
        on l.id = f.request_id and l.listener_id = f.listener_id and f.track_id = any (l.track_ids) and l.surface <> 'PREVIEW'
      join listeners s on s.id = f.listener_id join tracks t on t.id = f.track_id
    where f.request_id is not null and f.id > ${after} and ${allowing(sql, 'analytics', consents, sql`f.listener_id`)}
      and f.at >= ${from.toISOString()}::timestamptz and f.at < ${to.toISOString()}::timestamptz
    order by f.id limit ${limit}`;
}
