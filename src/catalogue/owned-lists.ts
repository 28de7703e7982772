import { byPopularity, inAlbumOrder } from '../db/catalogue/catalogue-queries.ts';
import * as names from '../db/catalogue/name-queries.ts';
import * as owned from '../db/catalogue/owned-tracks.ts';
import type { SortKey } from '../db/catalogue/sort-keys.ts';
import type { Database } from '../db/client.ts';
import { perOwner } from '../db/queries/per-owner.ts';
import { checkFirst, decodeCursor, type PageArgs, pageOf } from '../lib/page.ts';
import { checkLength } from '../lib/text/check-text.ts';
import type { Album, ArtistRole, Catalogue, Track } from './contract.ts';

type OwnedLists = Pick<Catalogue, 'tracksOfArtist' | 'tracksOfAlbum' | 'albumsOfArtist'>;

/** Lists of what belongs to an artist or an album. Those of all artists of a page are read together ([PAGE3]). */
export function ownedLists(db: Database['db']): OwnedLists {
  return {
    tracksOfArtist: tracksOfArtist(db),
    tracksOfAlbum: tracksOfAlbum(db),
    albumsOfArtist: albumsOfArtist(db),
  };
}

function tracksOfArtist(db: Database['db']): OwnedLists['tracksOfArtist'] {
  const select = perOwner<owned.OwnedPage & { roles: readonly ArtistRole[] }, Track[]>(
    (ids, page) => owned.selectTracksOfArtists(db, ids, page),
    [],
  );
  const count = perOwner<readonly ArtistRole[], number>((ids, roles) => owned.countTracksOfArtists(db, ids, roles), 0);
  return async (artistId, { roles: asked = ['MAIN'], ...args }) => {
    const roles = [...new Set(checkLength(asked, 'roles', 20))].sort();
    const list = `artist:${artistId}:${roles.join()}`;
    const page = pageAsked(args, list, byPopularity);
    const rows = await select(artistId, { ...page, roles });
    const keyOf = ({ popularity, id }: Track) => [popularity, id];
    return pageOf(rows, list, args, keyOf, () => count(artistId, roles));
  };
}

function tracksOfAlbum(db: Database['db']): OwnedLists['tracksOfAlbum'] {
  const select = perOwner<owned.OwnedPage, Track[]>((ids, page) => owned.selectTracksOfAlbums(db, ids, page), []);
  const count = perOwner((ids) => owned.countTracksOfAlbums(db, ids), 0);
  return async (albumId, args) => {
    const list = `album:${albumId}`;
    const rows = await select(albumId, pageAsked(args, list, inAlbumOrder));
    const keyOf = ({ discNumber, trackNumber, id }: Track) => [discNumber, trackNumber, id];
    return pageOf(rows, list, args, keyOf, () => count(albumId, null));
  };
}

function albumsOfArtist(db: Database['db']): OwnedLists['albumsOfArtist'] {
  const select = perOwner<owned.OwnedPage, Album[]>((ids, page) => names.selectAlbumsOfArtists(db, ids, page), []);
  const count = perOwner((ids) => names.countAlbumsOfArtists(db, ids), 0);
  return async (artistId, args) => {
    const list = `albums-of:${artistId}`;
    const rows = await select(artistId, pageAsked(args, list, names.byReleaseDate));
    const keyOf = ({ releaseDate, id }: Album) => [releaseDate, id];
    return pageOf(rows, list, args, keyOf, () => count(artistId, null));
  };
}

function pageAsked({ first, after = null }: PageArgs, list: string, order: readonly SortKey[]): owned.OwnedPage {
  const key =
    after === null
      ? null
      : decodeCursor(
          after,
          list,
          order.map(({ part }) => part),
        );
  return { after: key, limit: checkFirst(first) + 1 };
}
