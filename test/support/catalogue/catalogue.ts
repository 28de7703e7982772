import { type Catalogue, createCatalogue, type TrackInput } from '../../../src/catalogue/catalogue.ts';
import type { Database } from '../../../src/db/client.ts';
import { systemClock } from '../../../src/lib/clock.ts';

/** Puts tracks into the catalogue and tells their ids, in the order given. */
export async function addTracks(
  database: Database,
  tracks: readonly TrackInput[],
): Promise<{ catalogue: Catalogue; ids: number[] }> {
  const catalogue = createCatalogue({ database, clock: systemClock });
  await catalogue.upsertTracks(tracks);
  const rows = await database.sql<{ id: string; key: string }[]>`select id, external_id as key from tracks`;
  const byKey = new Map(rows.map((row) => [row.key, Number(row.id)]));
  return { catalogue, ids: tracks.map((track) => byKey.get(track.externalId)!) };
}

/** `n` plain tracks of a few artists and genres. */
export function someTracks(n: number): TrackInput[] {
  const genres = ['Jazz', 'Rock', 'Trip Hop', 'Classical'];
  return Array.from({ length: n }, (_, i) => ({
    externalId: `t${i}`,
    title: `Title ${i}`,
    artist: `Artist ${i % 7}`,
    releaseYear: 1960 + (i % 60),
    genres: [genres[i % genres.length] ?? 'Jazz'],
    tags: [`tag ${i % 5}`],
  }));
}
