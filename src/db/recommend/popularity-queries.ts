import { allowing } from '../access/consent-queries.ts';
import { takeMergeTurn } from '../catalogue/track-merge.ts';
import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';

/**
 * Maximum of the number of listener–track pairs that the last 30 days must have for popularity: one per track, but
 * never more than this.
 */
const ENOUGH = 1_000;

/**
 * Recomputes the listeners and rejecters of each track, and its percentile among all tracks ([CAT3]): the share of
 * tracks with fewer listeners after subtracting rejecters, plus half of those with as many (the mid-rank); 0 if none
 * are left. It counts the last 30 days, or all time if these have too few events. Unchanged rows are not written. It
 * takes turns with merges, which write the same rows in another order. Who does not allow training is not counted.
 * @returns how many tracks it changed
 */
export async function refreshPopularity(tx: Transaction, database: Consents, now: Date): Promise<number> {
  await takeMergeTurn(tx);
  const opinions = { database, now };
  await countOpinions(tx, 'recent_opinions', { ...opinions, period: '30 days' });
  const isEnough = await tellsEnough(tx);
  if (!isEnough) await countOpinions(tx, 'opinions_of_all_time', { ...opinions, period: null });
  return rankTracks(tx, isEnough);
}

type Consents = Pick<Database, 'consentUnlessSaid'>;

interface Opinions {
  database: Consents;
  now: Date;
  period: string | null;
}

/**
 * For each track the `listeners` who heard it and do not reject it, and the `rejecters` whose last verdict is against
 * it.
 */
async function countOpinions(tx: Transaction, table: string, { database, now, period }: Opinions): Promise<void> {
  const until = now.toISOString();
  const since = period === null ? tx`'-infinity'::timestamptz` : tx`${until}::timestamptz - ${period}::interval`;
  await tx`create temp table ${tx(table)} on commit drop as
    select track_id, (count(*) filter (where heard and not rejected))::int as listeners,
      (count(*) filter (where rejected))::int as rejecters
    from (
      select track_id, listener_id, bool_or(kind in ('PLAY', 'COMPLETE', 'LIKE', 'SAVE')) as heard,
        coalesce(max(at) filter (where kind in ('DISLIKE', 'HIDE')) >= max(at) filter (where kind in ('LIKE', 'SAVE')),
          bool_or(kind in ('DISLIKE', 'HIDE'))) as rejected
      from standing_feedback where at > ${since} and at <= ${until}::timestamptz
        and ${allowing(tx, 'training', database, tx`listener_id`)}
      group by track_id, listener_id
    ) each_listener group by track_id`;
}

async function tellsEnough(tx: Transaction): Promise<boolean> {
  const [row] = await tx<{ enough: boolean }[]>`
    select coalesce((select sum(listeners) from recent_opinions), 0)
      >= least(${ENOUGH}::bigint, (select count(*) from tracks where withdrawn_at is null)) as enough`;
  return row?.enough ?? true;
}

async function rankTracks(tx: Transaction, isEnough: boolean): Promise<number> {
  const whole = isEnough ? tx`recent_opinions` : tx`opinions_of_all_time`;
  const { count } = await tx`
    with counted as (
      select t.id, coalesce(r.listeners, 0) as recent, coalesce(w.listeners, 0) as listeners, coalesce(w.rejecters, 0) as rejecters,
        case when t.withdrawn_at is null then greatest(0, coalesce(w.listeners - w.rejecters, 0)) end as net
      from tracks t left join recent_opinions r on r.track_id = t.id left join ${whole} w on w.track_id = t.id
    ), ranked as (
      select *, case when coalesce(net, 0) = 0 then 0 else
        (rank() over (order by net) - 1 + count(*) over (partition by net) / 2.0) / count(net) over () end as percentile
      from counted
    )
    update tracks t set recent_listeners = r.recent, all_time_listeners = ${isEnough ? tx`null` : tx`r.listeners`},
      rejecters = r.rejecters, popularity = r.percentile, revision = nextval('catalogue_revisions')
    from ranked r where r.id = t.id and (t.recent_listeners, t.all_time_listeners, t.rejecters, t.popularity)
      is distinct from (r.recent, ${isEnough ? tx`null::int` : tx`r.listeners`}, r.rejecters, r.percentile::float8)`;
  return count;
}
