import type { Artist, Genre, Tag, Track, UpsertCounts, WithdrawCounts } from '../catalogue/catalogue.ts';
import * as catalogue from '../resolvers/catalogue.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { outcome } from '../resolvers/outcome.ts';
import { similarTracks, versionsOf } from '../resolvers/recommendations.ts';
import { builder, filled, given } from './builder.ts';
import { connectionType, pageArgs } from './connection.ts';
import { resultType } from './errors.ts';
import { FeedbackKindType } from './feedback-kind.ts';
import { idDescription, NodeType } from './nodes.ts';
import { RecommendationConnectionType } from './recommendation-list.ts';
import { ArtistType, TrackType } from './track-refs.ts';

export const GenreType = builder.objectRef<Genre>('Genre').implement({
  description: 'A genre of the catalogue.',
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'What filters and preferences name it by, e.g. `trip-hop`.' }),
    name: t.exposeString('name', { description: 'As people write it, e.g. `Trip Hop`.' }),
    trackCount: t.exposeInt('trackCount', { description: 'Tracks of this genre in the catalogue.' }),
  }),
});

const TagType = builder.objectRef<Tag>('Tag').implement({
  description: 'A free-form descriptor ("mellow", "rainy day") with the share of listeners who applied it.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'In lower case.' }),
    weight: t.exposeFloat('weight', { description: "Share of the track's taggers who applied it, in (0, 1]." }),
  }),
});

const TrackConnectionType = connectionType<Track>('Track', TrackType);

builder.objectType(ArtistType, {
  description: 'Who made tracks of the catalogue.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: (artist) => encodeId('Artist', artist.id) }),
    name: t.exposeString('name', { description: 'As the catalogue first had it.' }),
    genres: t.field({
      type: [GenreType],
      description: "The genres of the artist's tracks, most frequent first.",
      resolve: (artist: Artist, _, context) => catalogue.genresOfArtist(artist, context),
    }),
    tracks: t.field({
      type: TrackConnectionType,
      description: 'Most popular first.',
      args: pageArgs(20),
      resolve: (artist, args, context) => context.catalogue.tracksOfArtist(artist.id, filled(args, { first: 20 })),
    }),
  }),
});

builder.objectType(TrackType, {
  description: 'A recording, or what the catalogue takes for one.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: (track) => encodeId('Track', track.id) }),
    title: t.exposeString('title', { description: 'What it is called.' }),
    artist: t.field({
      type: ArtistType,
      description: 'Who made it.',
      resolve: (track, _, context) => catalogue.artistOf(track, context),
    }),
    album: t.exposeString('album', { nullable: true, description: 'Null when it is not known.' }),
    releaseYear: t.exposeInt('releaseYear', { nullable: true, description: 'Null when it is not known.' }),
    durationMs: t.exposeInt('durationMs', {
      nullable: true,
      description: 'Length in milliseconds; null when it is not known.',
    }),
    explicit: t.exposeBoolean('explicit', { description: 'The source marks it as explicit.' }),
    genres: t.field({
      type: [GenreType],
      description: 'Main genre first.',
      resolve: (track, _, context) => catalogue.genresOfTrack(track, context),
    }),
    tags: t.field({
      type: [TagType],
      description: 'Heaviest first.',
      args: { first: t.arg.int({ defaultValue: 10, description: 'At most so many: 1–100.' }) },
      resolve: (track, args, context) => catalogue.tagsOfTrack(track, filled(args, { first: 10 }), context),
    }),
    popularity: t.exposeFloat('popularity', {
      description:
        'Percentile in [0, 1] by listeners of the last 30 days, less those who reject the track; of all time where too little ' +
        'was heard lately.',
    }),
    withdrawnAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is in no list and no search; null while it is offered.',
      resolve: ({ withdrawnAt }) => withdrawnAt,
    }),
    versions: t.field({
      type: [TrackType],
      description: 'Other recordings of the same song, e.g. live or remastered, the most popular first.',
      args: { first: t.arg.int({ defaultValue: 10, description: 'At most so many: 1–100.' }) },
      resolve: (track, args, context) => versionsOf(track, filled(args, { first: 10 }), context),
    }),
    similar: t.field({
      type: RecommendationConnectionType,
      description: 'The tracks nearest to this one, without those that the viewer hid, disliked or does not want.',
      args: pageArgs(10),
      resolve: (track, args, context, info) => similarTracks(track.id, filled(args, { first: 10 }), context, info),
    }),
    viewerReaction: t.field({
      type: FeedbackKindType,
      nullable: true,
      description: "The viewer's standing reaction, if any.",
      resolve: (track, _, { loaders }) => loaders.reactions.get(track.id),
    }),
  }),
});

const IntRange = builder.inputType('IntRange', {
  description: 'Both ends included; an end left out is open.',
  fields: (t) => ({ min: t.int({ description: 'The least.' }), max: t.int({ description: 'The most.' }) }),
});

export const TrackFilterInput = builder.inputType('TrackFilter', {
  description: 'Conditions that a track must meet, all of them.',
  fields: (t) => ({
    genres: t.stringList({ description: 'Any of these genre slugs.' }),
    excludeGenres: t.stringList({ description: 'None of these genre slugs.' }),
    artistIds: t.idList({ description: 'By any of these artists.' }),
    excludeArtistIds: t.idList({ description: 'By none of these artists.' }),
    excludeTrackIds: t.idList({ description: 'None of these tracks.' }),
    releaseYear: t.field({ type: IntRange, description: 'Rules out tracks whose year is not known.' }),
    durationMs: t.field({
      type: IntRange,
      description: 'In milliseconds; rules out tracks whose length is not known.',
    }),
    explicit: t.boolean({ description: 'False hides explicit tracks.' }),
  }),
});

const TrackOrderType = builder.enumType('TrackOrder', {
  description: 'What comes first.',
  values: {
    POPULARITY: { description: 'Most popular.' },
    RELEASE_YEAR: { description: 'Newest; tracks without a year last.' },
    TITLE: { description: 'By title, A to Z.' },
    RELEVANCE: { description: 'Closest to `search`; without one, most popular.' },
  } as const,
});

builder.queryFields((t) => ({
  track: t.field({
    type: TrackType,
    nullable: true,
    description: 'A track by its id; null when it does not exist.',
    args: { id: t.arg.id({ required: true, description: "The track's `id`." }) },
    resolve: (_, { id }, context) => catalogue.trackById(id, context),
  }),
  tracks: t.field({
    type: TrackConnectionType,
    description: 'The catalogue: every word of `search` is in the title, the artist, a genre or a tag.',
    args: {
      search: t.arg.string({ description: 'Words, at most 200 characters; without them every track is found.' }),
      filter: t.arg({ type: TrackFilterInput, description: 'What the tracks must meet besides.' }),
      orderBy: t.arg({ type: TrackOrderType, defaultValue: 'POPULARITY', description: 'What comes first.' }),
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
  description: 'Natural keys make an upsert repeatable: sending the same catalogue twice changes nothing.',
  fields: (t) => ({
    externalId: t.string({ required: true, description: "The calling app's own id for the track: its natural key." }),
    title: t.string({ required: true, description: 'What it is called.' }),
    artist: t.string({ required: true, description: "The artist's name; upper and lower case are one artist." }),
    album: t.string({ description: 'Absent: not known.' }),
    releaseYear: t.int({ description: '1000–2100; absent: not known.' }),
    durationMs: t.int({ description: 'Up to a day, in milliseconds; absent: not known.' }),
    explicit: t.boolean({ defaultValue: false, description: 'The source marks it as explicit.' }),
    genres: t.stringList({ defaultValue: [], description: 'Names, the main genre first.' }),
    tags: t.stringList({ defaultValue: [], description: 'Free-form descriptors.' }),
  }),
});

const UpsertTracksSuccess = builder.objectRef<UpsertCounts>('UpsertTracksSuccess').implement({
  description: 'All tracks of the batch are in the catalogue.',
  fields: (t) => ({
    created: t.exposeInt('created', { description: 'Tracks that are new.' }),
    updated: t.exposeInt('updated', { description: 'Tracks that were there and are different now.' }),
    unchanged: t.exposeInt('unchanged', { description: 'Tracks that were there as they are.' }),
  }),
});

const WithdrawTracksInputType = builder.inputType('WithdrawTracksInput', {
  description: 'Tracks by either kind of id: up to 1,000 of each, at least one in all.',
  fields: (t) => ({
    externalIds: t.stringList({ description: "The calling app's own ids." }),
    ids: t.idList({ description: 'Ids of this API.' }),
  }),
});

const WithdrawTracksSuccess = builder.objectRef<WithdrawCounts>('WithdrawTracksSuccess').implement({
  description: 'All of these tracks are withdrawn.',
  fields: (t) => ({
    withdrawn: t.exposeInt('withdrawn', { description: 'Tracks that were offered before.' }),
    unchanged: t.exposeInt('unchanged', { description: 'Tracks that had been withdrawn already.' }),
  }),
});

const withdrawTracksErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;
const upsertTracksErrors = ['InvalidInputError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  upsertTracks: t.field({
    type: resultType('UpsertTracks', UpsertTracksSuccess, upsertTracksErrors),
    description: 'SERVICE role. All of the batch (up to 1,000) or none of it.',
    args: { input: t.arg({ type: [TrackInputType], required: true, description: 'The tracks.' }) },
    resolve: (_, { input }, context) =>
      outcome(upsertTracksErrors, () => catalogue.upsertTracks(given(input), context)) as never,
  }),
  withdrawTracks: t.field({
    type: resultType('WithdrawTracks', WithdrawTracksSuccess, withdrawTracksErrors),
    description:
      'SERVICE role. Takes tracks out of all lists, searches and training, at once and on every node: all of them or none. ' +
      'What listeners did with them stays, and a track is found by its id. Sending one again with `upsertTracks` brings it back.',
    args: { input: t.arg({ type: WithdrawTracksInputType, required: true, description: 'The tracks.' }) },
    resolve: (_, { input }, context) =>
      outcome(withdrawTracksErrors, () => catalogue.withdrawTracks(given(input), context)) as never,
  }),
}));
