import type { Artist, Genre, Tag, Track, UpsertCounts, WithdrawCounts } from '../catalogue/catalogue.ts';
import * as catalogue from '../resolvers/catalogue.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { outcome } from '../resolvers/outcome.ts';
import { similarTracks, versionsOf } from '../resolvers/recommendations.ts';
import { builder, filled, given } from './builder.ts';
import { connectionType, pageArgs } from './connection.ts';
import { resultType } from './errors.ts';
import { idDescription, NodeInterface } from './nodes.ts';
import { RecommendationConnectionType } from './recommendation-list.ts';
import { ArtistType, TrackType } from './track-refs.ts';

export const GenreType = builder.objectRef<Genre>('Genre').implement({
  description: 'A genre of the catalogue.',
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'The name in filters and preferences, for example `trip-hop`.' }),
    name: t.exposeString('name', { description: 'The display name, for example `Trip Hop`.' }),
    trackCount: t.exposeInt('trackCount', { description: 'Number of tracks of this genre in the catalogue.' }),
  }),
});

const TagType = builder.objectRef<Tag>('Tag').implement({
  description: 'A free-form descriptor ("mellow", "rainy day") and the share of listeners who applied it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The tag in lower case.' }),
    weight: t.exposeFloat('weight', { description: "Share of the track's taggers who applied the tag, in (0, 1]." }),
  }),
});

const TrackConnectionType = connectionType<Track>('Track', TrackType);

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
      args: pageArgs(20),
      resolve: (artist, args, context) => context.catalogue.tracksOfArtist(artist.id, filled(args, { first: 20 })),
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
      description: "The track's artist.",
      resolve: (track, _, context) => catalogue.artistOf(track, context),
    }),
    album: t.exposeString('album', { nullable: true, description: "The album's title. Null if unknown." }),
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
      type: [TagType],
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

const IntRange = builder.inputType('IntRange', {
  description: 'A range of integers. Both bounds are inclusive; an absent bound is unlimited.',
  fields: (t) => ({ min: t.int({ description: 'The lower bound.' }), max: t.int({ description: 'The upper bound.' }) }),
});

export const TrackFilterInput = builder.inputType('TrackFilter', {
  description: 'Conditions on tracks. A track must meet all of them.',
  fields: (t) => ({
    genres: t.stringList({ description: 'Tracks with at least one of these genre slugs.' }),
    excludeGenres: t.stringList({ description: 'Tracks with none of these genre slugs.' }),
    artistIds: t.idList({ description: 'Tracks by any of these artists.' }),
    excludeArtistIds: t.idList({ description: 'Tracks by none of these artists.' }),
    excludeTrackIds: t.idList({ description: 'All tracks but these.' }),
    releaseYear: t.field({ type: IntRange, description: 'The year of release. Excludes tracks without a known year.' }),
    durationMs: t.field({
      type: IntRange,
      description: 'The duration in milliseconds. Excludes tracks without a known duration.',
    }),
    explicit: t.boolean({ description: 'Excludes explicit tracks if `false`.' }),
  }),
});

const TrackOrderType = builder.enumType('TrackOrder', {
  description: 'The order of a list of tracks.',
  values: {
    POPULARITY: { description: 'Most popular first.' },
    RELEASE_YEAR: { description: 'Newest first; tracks without a year last.' },
    TITLE: { description: 'By title, A to Z.' },
    ADDED: { description: 'When the track was added, the latest first.' },
    RELEVANCE: { description: 'Best match for `search` first. Without `search`, most popular first.' },
  } as const,
});

const DirectionType = builder.enumType('Direction', {
  description: 'The direction of an order.',
  values: {
    ASC: { description: 'Smallest, oldest or first letter first.' },
    DESC: { description: 'Greatest, newest or last letter first.' },
  } as const,
});

builder.queryFields((t) => ({
  track: t.field({
    type: TrackType,
    nullable: true,
    description: 'A track by its id. Null if it does not exist.',
    args: { id: t.arg.id({ required: true, description: "The track's `id`." }) },
    resolve: (_, { id }, context) => catalogue.trackById(id, context),
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
      filter: t.arg({ type: TrackFilterInput, description: 'Conditions that the tracks must also meet.' }),
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

const TrackInputType = builder.inputType('TrackInput', {
  description:
    'A track to create or update. `externalId` identifies it, so sending the same catalogue twice changes nothing.',
  fields: (t) => ({
    externalId: t.string({ required: true, description: "The calling app's own id for the track, its natural key." }),
    title: t.string({ required: true, description: "The track's title." }),
    artist: t.string({ required: true, description: "The artist's name, not case-sensitive." }),
    album: t.string({ description: "The album's title, if known." }),
    releaseYear: t.int({ description: 'The year of release, if known: 1000–2100.' }),
    durationMs: t.int({ description: 'Duration in milliseconds, if known: at most 24 hours.' }),
    explicit: t.boolean({ defaultValue: false, description: 'Whether the source marks the track as explicit.' }),
    genres: t.stringList({ defaultValue: [], description: 'Names of genres, the main genre first.' }),
    tags: t.stringList({ defaultValue: [], description: 'Free-form descriptors.' }),
  }),
});

const UpsertTracksSuccess = builder.objectRef<UpsertCounts>('UpsertTracksSuccess').implement({
  description: 'All tracks of the batch are in the catalogue.',
  fields: (t) => ({
    created: t.exposeInt('created', { description: 'Number of tracks that were created.' }),
    updated: t.exposeInt('updated', { description: 'Number of tracks that were changed.' }),
    unchanged: t.exposeInt('unchanged', { description: 'Number of tracks that were already up to date.' }),
  }),
});

const WithdrawTracksInputType = builder.inputType('WithdrawTracksInput', {
  description: 'The tracks to withdraw, by either kind of id: up to 1,000 of each, at least one in all.',
  fields: (t) => ({
    externalIds: t.stringList({ description: "The calling app's own ids." }),
    ids: t.idList({ description: "The tracks' `id`s." }),
  }),
});

const WithdrawTracksSuccess = builder.objectRef<WithdrawCounts>('WithdrawTracksSuccess').implement({
  description: 'All of these tracks are withdrawn.',
  fields: (t) => ({
    withdrawn: t.exposeInt('withdrawn', { description: 'Number of tracks that were withdrawn now.' }),
    unchanged: t.exposeInt('unchanged', { description: 'Number of tracks that were already withdrawn.' }),
  }),
});

const withdrawTracksErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;
const upsertTracksErrors = ['InvalidInputError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  upsertTracks: t.field({
    type: resultType('UpsertTracks', UpsertTracksSuccess, upsertTracksErrors),
    description: 'Creates or updates up to 1,000 tracks: all of them or none. Requires the SERVICE role.',
    args: { input: t.arg({ type: [TrackInputType], required: true, description: 'The tracks to create or update.' }) },
    resolve: (_, { input }, context) =>
      outcome(upsertTracksErrors, () => catalogue.upsertTracks(given(input), context)),
  }),
  withdrawTracks: t.field({
    type: resultType('WithdrawTracks', WithdrawTracksSuccess, withdrawTracksErrors),
    description:
      'Removes tracks from all lists, searches and training, at once and on every node: all of them or none. ' +
      'Feedback on them is kept, and they can still be fetched by id. `upsertTracks` makes a track available again. ' +
      'Requires the SERVICE role.',
    args: { input: t.arg({ type: WithdrawTracksInputType, required: true, description: 'The tracks to withdraw.' }) },
    resolve: (_, { input }, context) =>
      outcome(withdrawTracksErrors, () => catalogue.withdrawTracks(given(input), context)),
  }),
}));
