import type { Album, Artist, Credit, ExternalUrl, Genre, Tag, Track } from '../../catalogue/catalogue.ts';
import * as catalogue from '../../resolvers/catalogue.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { similarTracks, versionsOf } from '../../resolvers/recommend/recommendations.ts';
import { builder, filled, given } from '../builder.ts';
import { connectionType, pageArgs } from '../connection.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import { RecommendationConnectionType } from '../recommend/recommendation-list.ts';
import { AlbumType, ArtistType, TrackType } from '../track-refs.ts';

export const GenreType = builder.objectRef<Genre>('Genre').implement({
  description: 'A genre of the catalogue.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ slug }) => encodeId('Genre', slug) }),
    slug: t.exposeString('slug', { description: 'The name in filters and preferences, for example `trip-hop`.' }),
    name: t.exposeString('name', { description: 'The display name, for example `Trip Hop`.' }),
    trackCount: t.exposeInt('trackCount', { description: 'Number of tracks of this genre in the catalogue.' }),
  }),
});

const TrackTagType = builder.objectRef<Tag>('TrackTag').implement({
  description: 'A free-form descriptor ("mellow", "rainy day") and the share of listeners who applied it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The tag in lower case.' }),
    weight: t.exposeFloat('weight', { description: "Share of the track's taggers who applied the tag, in (0, 1]." }),
  }),
});

export const TrackConnectionType = connectionType<Track>('Track', TrackType);
export const AlbumConnectionType = connectionType<Album>('Album', AlbumType);

export const ArtistRoleType = builder.enumType('ArtistRole', {
  description: "What an artist did for a track. A track's artists, where nothing else is said, are its main ones.",
  values: {
    MAIN: { description: 'Whose track it is.' },
    FEATURED: { description: 'A guest.' },
    REMIXER: { description: 'Who made this remix.' },
    COMPOSER: { description: 'Who composed the music.' },
    LYRICIST: { description: 'Who wrote the words.' },
    PRODUCER: { description: 'Who produced the recording.' },
    CONDUCTOR: { description: 'Who conducts.' },
    PERFORMER: { description: 'Who plays or sings, for example as a soloist.' },
  } as const,
});

const CreditType = builder.objectRef<Credit>('Credit').implement({
  description: 'An artist of a track and what the artist did for it.',
  fields: (t) => ({
    artist: t.field({ type: ArtistType, description: 'The artist.', resolve: ({ artist }) => artist }),
    role: t.expose('role', { type: ArtistRoleType, description: 'What the artist did for the track.' }),
  }),
});

const ExternalUrlType = builder.objectRef<ExternalUrl>('ExternalUrl').implement({
  description: 'The page of a track at a service.',
  fields: (t) => ({
    service: t.exposeString('service', { description: 'The service in lower case, for example `spotify`.' }),
    url: t.exposeString('url', { description: 'An address that begins with `https://`.' }),
  }),
});

const coverArgs = builder.args((t) => ({
  size: t.int({ defaultValue: 300, description: 'The width and height that are wanted, in pixels: 1–10,000.' }),
}));
const coverAbout =
  'The smallest that is at least as large as wanted, otherwise the largest. It begins with `https://`. Null if there is none.';

builder.objectType(ArtistType, {
  description: 'An artist with tracks in the catalogue.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: (artist) => encodeId('Artist', artist.id) }),
    name: t.exposeString('name', { description: "The artist's name as first imported." }),
    genres: t.field({
      type: [GenreType],
      description: "The genres of the artist's tracks, most frequent first.",
      resolve: (artist: Artist, _, context) => catalogue.genresOfArtist(artist, context),
    }),
    tracks: t.field({
      type: TrackConnectionType,
      description: "The artist's tracks, most popular first.",
      args: {
        roles: t.arg({
          type: [ArtistRoleType],
          defaultValue: ['MAIN' as const],
          description: 'The tracks for which the artist did any of this.',
        }),
        ...pageArgs(20),
      },
      resolve: (artist, args, context) =>
        context.catalogue.tracksOfArtist(artist.id, filled(args, { first: 20, roles: ['MAIN' as const] })),
    }),
    albums: t.field({
      type: AlbumConnectionType,
      description: "The artist's albums, newest first.",
      args: pageArgs(20),
      resolve: (artist, args, context) => context.catalogue.albumsOfArtist(artist.id, filled(args, { first: 20 })),
    }),
    trackCount: t.int({
      description: "Number of the artist's tracks as a main artist.",
      resolve: ({ id }, _, context) => catalogue.trackCount('artist', id, context),
    }),
  }),
});

builder.objectType(AlbumType, {
  description: 'A release with tracks in the catalogue.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: (album) => encodeId('Album', album.id) }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: "The calling app's own id for the album. Null if it sent none.",
    }),
    title: t.exposeString('title', { description: "The album's title." }),
    artists: t.field({
      type: [ArtistType],
      description: "The album's artists, in the source's order.",
      resolve: ({ artists }) => artists,
    }),
    releaseDate: t.exposeString('releaseDate', {
      nullable: true,
      description: 'The day of release as far as it is known: `1971-11-08`, `1971-11` or `1971`. Null if unknown.',
    }),
    coverUrl: t.string({
      nullable: true,
      description: `The address of the album's picture. ${coverAbout}`,
      args: coverArgs,
      resolve: ({ covers }, args) => catalogue.coverOf(covers, filled(args, { size: 300 }).size),
    }),
    trackCount: t.int({
      description: "Number of the album's tracks in the catalogue.",
      resolve: ({ id }, _, context) => catalogue.trackCount('album', id, context),
    }),
    tracks: t.field({
      type: TrackConnectionType,
      description: "The album's tracks in its order.",
      args: pageArgs(50),
      resolve: (album, args, context) => context.catalogue.tracksOfAlbum(album.id, filled(args, { first: 50 })),
    }),
  }),
});

builder.objectType(TrackType, {
  description: 'A recording.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: (track) => encodeId('Track', track.id) }),
    externalId: t.exposeString('externalId', { description: "The calling app's own id for the track." }),
    title: t.exposeString('title', { description: "The track's title." }),
    artist: t.field({
      type: ArtistType,
      description: 'The first of the main artists. `artists` has all of them.',
      resolve: (track, _, context) => catalogue.artistOf(track, context),
    }),
    artists: t.field({
      type: [CreditType],
      description: "The track's artists and what they did, in the source's order.",
      args: { roles: t.arg({ type: [ArtistRoleType], description: 'Only those who did any of this.' }) },
      resolve: (track, { roles }, context) => catalogue.creditsOf(track, roles ?? null, context),
    }),
    album: t.field({
      type: AlbumType,
      nullable: true,
      description: 'The album. Null if unknown.',
      resolve: (track, _, context) => catalogue.albumOf(track, context),
    }),
    discNumber: t.exposeInt('discNumber', {
      nullable: true,
      description: "The number of the album's disc, from 1. Null if unknown.",
    }),
    trackNumber: t.exposeInt('trackNumber', {
      nullable: true,
      description: "The track's number on the disc, from 1. Null if unknown.",
    }),
    coverUrl: t.string({
      nullable: true,
      description: `The address of the track's picture, or of its album's. ${coverAbout}`,
      args: coverArgs,
      resolve: (track, args, context) => catalogue.coverOfTrack(track, filled(args, { size: 300 }), context),
    }),
    previewUrl: t.string({
      nullable: true,
      description: 'The address of audio to play. It begins with `https://`. Null if there is none.',
      resolve: async (track, _, context) => (await catalogue.detailsOf(track, context)).previewUrl,
    }),
    externalUrls: t.field({
      type: [ExternalUrlType],
      description: "The track's pages at other services.",
      resolve: async (track, _, context) => (await catalogue.detailsOf(track, context)).externalUrls,
    }),
    isrc: t.string({
      nullable: true,
      description: 'The International Standard Recording Code without hyphens. Null if unknown.',
      resolve: async (track, _, context) => (await catalogue.detailsOf(track, context)).isrc,
    }),
    metadata: t.field({
      type: 'Metadata',
      description: 'Values by declared key. Keys without a value are absent.',
      args: { keys: t.arg.stringList({ description: 'Only these keys, at most 50.' }) },
      resolve: (track, args, context) => catalogue.metadataOf(track, given(args), context),
    }),
    releaseYear: t.exposeInt('releaseYear', { nullable: true, description: 'The year of release. Null if unknown.' }),
    durationMs: t.exposeInt('durationMs', {
      nullable: true,
      description: 'Duration in milliseconds. Null if unknown.',
    }),
    explicit: t.exposeBoolean('explicit', { description: 'Whether the source marks the track as explicit.' }),
    genres: t.field({
      type: [GenreType],
      description: "The track's genres, the main genre first.",
      resolve: (track, _, context) => catalogue.genresOfTrack(track, context),
    }),
    tags: t.field({
      type: [TrackTagType],
      description: "The track's tags, highest weight first.",
      args: { first: t.arg.int({ defaultValue: 10, description: 'Maximum number of tags: 1–100.' }) },
      resolve: (track, args, context) => catalogue.tagsOfTrack(track, filled(args, { first: 10 }), context),
    }),
    popularity: t.exposeFloat('popularity', {
      description:
        'Percentile in [0, 1] by number of listeners in the last 30 days, not counting those who reject the track. ' +
        'If too little was played in the last 30 days, listeners of all time are counted.',
    }),
    addedAt: t.field({
      type: 'DateTime',
      description: 'When the track was added to the catalogue.',
      resolve: ({ addedAt }) => addedAt,
    }),
    withdrawnAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the track was withdrawn from lists and search. Null if it is available.',
      resolve: ({ withdrawnAt }) => withdrawnAt,
    }),
    versions: t.field({
      type: [TrackType],
      description: 'Other recordings of the same song, for example live or remastered, most popular first.',
      args: { first: t.arg.int({ defaultValue: 10, description: 'Maximum number of recordings: 1–100.' }) },
      resolve: (track, args, context) => versionsOf(track, filled(args, { first: 10 }), context),
    }),
    similar: t.field({
      type: RecommendationConnectionType,
      description: 'The most similar tracks, without those that the viewer hid, disliked or excludes by preference.',
      args: pageArgs(10),
      resolve: (track, args, context, info) => similarTracks(track.id, filled(args, { first: 10 }), context, info),
    }),
  }),
});
