import type { Transaction } from '../connection/transaction.ts';
import { copyRows, type CopyValue } from './import-copy.ts';

export type LastfmTable = 'artists' | 'tags' | 'taggings';

const columns: Record<LastfmTable, string> = {
  artists: 'line bigint, id int, name text, name_key text',
  tags: 'line bigint, id int, name text',
  taggings: 'line bigint, listener int, artist int, tag int',
};

/** Loads rows with values in the order of the table's columns. */
export async function stageLastfm(
  tx: Transaction,
  table: LastfmTable,
  batches: AsyncIterable<readonly (readonly CopyValue[])[]>,
): Promise<void> {
  await tx.unsafe(`create temp table lastfm_${table} (${columns[table]}) on commit drop`);
  await copyRows(tx, `lastfm_${table}`, batches);
  await tx.unsafe(`analyze lastfm_${table}`);
}

/** Removes all but the first row of each id from the table and reports each. */
export async function takeRepeatedIds(
  tx: Transaction,
  table: 'artists' | 'tags',
  tell: (problem: { line: number; reason: string }) => void,
): Promise<void> {
  const staged = tx(`lastfm_${table}`);
  const repeated = await tx<{ line: string; id: number; first: string }[]>`
    with firsts as (select id, min(line) as line from ${staged} group by id),
    taken as (delete from ${staged} s using firsts f where s.id = f.id and s.line > f.line returning s.line, s.id, f.line as first)
    select * from taken order by line`;
  for (const { line, id, first } of repeated) {
    tell({ line: Number(line), reason: `id ${id} is that of line ${first} already` });
  }
}

/**
 * Creates a track for each artist, with the artist's name as title and listeners' tags: a tag's weight is the share of
 * the artist's taggers who applied it. Of more tags than a track may have, those with the most weight stay.
 * @returns the numbers of taggings with an unknown artist or tag, of tags that are too long, and of those that were too
 * many
 */
export async function stageLastfmTracks(
  tx: Transaction,
  { mostTags, longestTag }: { mostTags: number; longestTag: number },
): Promise<{ orphans: number; long: number; beyond: number }> {
  const [orphans] = await tx<[{ n: number }]>`
    with taken as (delete from lastfm_taggings g where not exists (select from lastfm_artists a where a.id = g.artist)
      or not exists (select from lastfm_tags t where t.id = g.tag) returning 1)
    select count(*)::int as n from taken`;
  const [long] = await tx<[{ n: number }]>`
    with taken as (delete from lastfm_tags where char_length(name) > ${longestTag} returning id),
      gone as (delete from lastfm_taggings where tag in (select id from taken))
    select count(*)::int as n from taken`;
  const [beyond] = await tx<[{ n: number }]>`
    with taggers as (select artist, count(distinct listener) as n from lastfm_taggings group by artist),
    weights as (
      select g.artist, t.name, (count(distinct g.listener)::float8 / n.n)::real as weight
      from lastfm_taggings g join lastfm_tags t on t.id = g.tag join taggers n on n.artist = g.artist
      group by g.artist, t.name, n.n
    ),
    ranked as (select *, row_number() over (partition by artist order by weight desc, name) as place from weights),
    tagged as (
      select artist, array_agg(name order by name) as names, array_agg(weight order by name) as weights
      from ranked where place <= ${mostTags} group by artist
    ),
    made as (
    insert into staged_tracks (external_id, title, artist_names, artist_keys, artist_roles, tag_names, tag_weights, line)
    select 'lastfm:artist:' || a.id, a.name, array[a.name], array[a.name_key], '{MAIN}', coalesce(g.names, '{}'), coalesce(g.weights, '{}'), a.line
    from lastfm_artists a left join tagged g on g.artist = a.id
    )
    select count(*)::int as n from ranked where place > ${mostTags}`;
  return { orphans: orphans.n, long: long.n, beyond: beyond.n };
}
