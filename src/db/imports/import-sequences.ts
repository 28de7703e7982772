import { nameKey } from '../catalogue/staged-track.ts';
import { type MergeCounts, takeMergeTurn } from '../catalogue/track-merge.ts';
import type { Transaction } from '../connection/transaction.ts';
import { fillAllNameTexts } from '../texts/name-texts.ts';
import { fillAllTrackTexts } from '../texts/track-texts.ts';

/** Removes all but the first sequence of each listener from the staged feedback and reports each. */
export async function takeRepeatedSequences(
  tx: Transaction,
  tell: (problem: { line: number; reason: string }) => void,
): Promise<void> {
  await tx`create temp table first_sequences on commit drop as
    select n.name as listener, min(s.line) as line from staged_feedback s join staged_listener_names n on n.number = s.listener
    group by n.name`;
  const repeated = tx<{ line: string; first: string; listener: string }[]>`
    select distinct s.line, f.line as first, f.listener from staged_feedback s
      join staged_listener_names n on n.number = s.listener join first_sequences f on f.listener = n.name
    where s.line > f.line order by s.line`;
  for await (const rows of repeated.cursor(1000)) {
    for (const { line, first, listener } of rows) {
      tell({ line: Number(line), reason: `listener "${listener}" has a sequence on line ${first} already` });
    }
  }
  await tx`delete from staged_feedback s using staged_listener_names n, first_sequences f
    where n.number = s.listener and f.listener = n.name and s.line > f.line`;
}

/** Creates a track, named after its id, for each unknown item of the staged feedback. */
export async function makeUnknownTracks(tx: Transaction, artist: string): Promise<MergeCounts> {
  await takeMergeTurn(tx);
  await tx`insert into artists (name, name_key) values (${artist}, ${nameKey(artist)}) on conflict (name_key) do nothing`;
  const { count: created } = await tx`
    with made as (
      insert into tracks (external_id, title, artist_id)
      select distinct n.name, 'Track ' || n.name, a.id from (select distinct track from staged_feedback) s
        join staged_track_names n on n.number = s.track join artists a on a.name_key = ${nameKey(artist)}
      order by n.name on conflict (external_id) do nothing returning id, artist_id
    ), credited as (
      insert into track_artists (track_id, artist_id, role, position) select id, artist_id, 'MAIN', 0 from made
    )
    insert into track_texts (track_id) select id from made`;
  await fillAllNameTexts(tx);
  await fillAllTrackTexts(tx);
  const [items] = await tx<{ n: number }[]>`
    select count(distinct n.name)::int as n from (select distinct track from staged_feedback) s
      join staged_track_names n on n.number = s.track`;
  return { created, updated: 0, unchanged: (items?.n ?? created) - created };
}
