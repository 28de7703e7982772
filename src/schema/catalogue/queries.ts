import type { Artist, CatalogueTag } from '../../catalogue/catalogue.ts';
import * as catalogue from '../../resolvers/catalogue.ts';
import { builder, filled } from '../builder.ts';
import { connectionType, pageArgs } from '../connection.ts';
import { AlbumType, ArtistType, TrackType } from '../track-refs.ts';
import { AlbumConnectionType, GenreType, TrackConnectionType } from './catalogue.ts';
import { AlbumOrderType, CatalogueFilterInput, DirectionType, NameOrderType, TrackOrderType } from './filters.ts';
import { MetadataKeyType } from './metadata.ts';

const TagType = builder.objectRef<CatalogueTag>('Tag').implement({
  description: 'A free-form descriptor of tracks of the catalogue.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The tag in lower case.' }),
    trackCount: t.int({
      description: 'Number of tracks with the tag.',
      resolve: ({ id }, _, context) => catalogue.trackCount('tag', id, context),
    }),
  }),
});

const ArtistConnectionType = connectionType<Artist>('Artist', ArtistType);
const TagConnectionType = connectionType<CatalogueTag>('Tag', TagType);

const searched = (where: string): string => `Each word of \`search\` must occur in ${where}.`;

const nameArgs = builder.args((t) => ({
  search: t.string({ description: 'Words to search for, at most 200 characters. All match if absent.' }),
  orderBy: t.field({ type: NameOrderType, defaultValue: 'RELEVANCE', description: 'The order of the list.' }),
  direction: t.field({
    type: DirectionType,
    description: 'The direction of the order. By default ASC for names and DESC for `RELEVANCE` of a search.',
  }),
  first: t.int({ defaultValue: 20, description: 'Maximum number of items: 1–100.' }),
  after: t.string({ description: 'A cursor of this list. The page begins with the item that follows it.' }),
}));

builder.queryFields((t) => ({
  track: t.field({
    type: TrackType,
    nullable: true,
    description: 'A track by its id. Null if it does not exist.',
    args: { id: t.arg.id({ required: true, description: "The track's `id`." }) },
    resolve: (_, { id }, context) => catalogue.trackById(id, context),
  }),
  artist: t.field({
    type: ArtistType,
    nullable: true,
    description: 'An artist by its id. Null if it does not exist.',
    args: { id: t.arg.id({ required: true, description: "The artist's `id`." }) },
    resolve: (_, { id }, context) => catalogue.artistById(id, context),
  }),
  album: t.field({
    type: AlbumType,
    nullable: true,
    description: 'An album by its id. Null if it does not exist.',
    args: { id: t.arg.id({ required: true, description: "The album's `id`." }) },
    resolve: (_, { id }, context) => catalogue.albumById(id, context),
  }),
  artists: t.field({
    type: ArtistConnectionType,
    description: `The artists with tracks in the catalogue. ${searched('the name')}`,
    args: nameArgs,
    resolve: (_, args, context) =>
      context.catalogue.searchArtists(
        filled(args, { first: 20, orderBy: 'RELEVANCE' as const }),
        context.lifetime.signal,
      ),
  }),
  tags: t.field({
    type: TagConnectionType,
    description: `The tags of tracks in the catalogue. ${searched('the name')}`,
    args: nameArgs,
    resolve: (_, args, context) =>
      context.catalogue.searchTags(filled(args, { first: 20, orderBy: 'RELEVANCE' as const }), context.lifetime.signal),
  }),
  albums: t.field({
    type: AlbumConnectionType,
    description: `The albums with tracks in the catalogue. ${searched("the title or an artist's name")}`,
    args: {
      search: t.arg.string({ description: 'Words to search for, at most 200 characters. All match if absent.' }),
      orderBy: t.arg({ type: AlbumOrderType, defaultValue: 'RELEVANCE', description: 'The order of the list.' }),
      direction: t.arg({
        type: DirectionType,
        description: 'The direction of the order. By default ASC for titles and DESC for all others.',
      }),
      ...pageArgs(20),
    },
    resolve: (_, args, context) =>
      context.catalogue.searchAlbums(
        filled(args, { first: 20, orderBy: 'RELEVANCE' as const }),
        context.lifetime.signal,
      ),
  }),
  metadataKeys: t.field({
    type: [MetadataKeyType],
    description: 'The declared keys of metadata, by name.',
    resolve: (_, __, context) => context.catalogue.metadataKeys(),
  }),
  tracksByExternalId: t.field({
    type: [TrackType],
    nullable: { list: false, items: true },
    description:
      'Up to 100 tracks by their external ids, in the order requested. An item is null if there is no such track.',
    args: { externalIds: t.arg.stringList({ required: true, description: "The calling app's own ids." }) },
    resolve: (_, { externalIds }, context) => catalogue.tracksByExternalId(externalIds, context),
  }),
  tracks: t.field({
    type: TrackConnectionType,
    description:
      "The tracks of the catalogue. Each word of `search` must occur in the title, the artist's name, a genre or a " +
      'tag.',
    args: {
      search: t.arg.string({ description: 'Words to search for, at most 200 characters. All tracks match if absent.' }),
      meaning: t.arg.string({
        description:
          'What the tracks are to be like, in words that need not occur in their descriptions, at most 500 characters. ' +
          'With it the list has the tracks with genres or tags, and `orderBy: RELEVANCE`, which it requires, is the ' +
          'closest first. An error with the code MODEL_UNAVAILABLE if the server has no model that reads meanings.',
      }),
      filter: t.arg({ type: CatalogueFilterInput, description: 'Conditions that the tracks must also meet.' }),
      orderBy: t.arg({ type: TrackOrderType, defaultValue: 'POPULARITY', description: 'The order of the list.' }),
      direction: t.arg({
        type: DirectionType,
        description: 'The direction of the order. By default ASC for `TITLE` and DESC for all others.',
      }),
      ...pageArgs(20),
    },
    resolve: (_, args, context) => catalogue.searchTracks(filled(args, { first: 20, orderBy: 'POPULARITY' }), context),
  }),
  genres: t.field({
    type: [GenreType],
    description: 'All genres of the catalogue, by name.',
    resolve: (_, __, context) => context.catalogue.genres(),
  }),
}));
