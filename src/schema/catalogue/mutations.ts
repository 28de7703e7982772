import type { UpsertCounts, WithdrawCounts } from '../../catalogue/catalogue.ts';
import * as catalogue from '../../resolvers/catalogue.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { resultType } from '../errors.ts';
import { ArtistRoleType } from './catalogue.ts';

const CreditInputType = builder.inputType('CreditInput', {
  description: 'An artist of a track.',
  fields: (t) => ({
    name: t.string({ required: true, description: "The artist's name, not case-sensitive." }),
    role: t.field({ type: ArtistRoleType, defaultValue: 'MAIN', description: 'What the artist did for the track.' }),
  }),
});

const CoverInputType = builder.inputType('CoverInput', {
  description:
    'A picture. Give one address without a size, which may have `{size}` where the number of pixels belongs, or one for ' +
    'each size.',
  fields: (t) => ({
    url: t.string({ required: true, description: 'An address that begins with `https://`.' }),
    size: t.int({ description: 'The width and height in pixels: 1–10,000.' }),
  }),
});

const ExternalUrlInputType = builder.inputType('ExternalUrlInput', {
  description: 'The page of a track at a service.',
  fields: (t) => ({
    service: t.string({ required: true, description: 'A short name, for example `spotify`.' }),
    url: t.string({ required: true, description: 'An address that begins with `https://`.' }),
  }),
});

const AlbumInputType = builder.inputType('AlbumInput', {
  description:
    'The album of a track. `externalId` identifies it; without one, its title and first artist do. What no track states ' +
    'of an album stays as it was.',
  fields: (t) => ({
    title: t.string({ required: true, description: "The album's title." }),
    externalId: t.string({ description: "The calling app's own id for the album." }),
    artists: t.stringList({
      description: "The album's artists, at most 20, not case-sensitive. By default the track's first main artist.",
    }),
    releaseDate: t.string({ description: 'As much as is known: `1971-11-08`, `1971-11` or `1971`.' }),
    covers: t.field({ type: [CoverInputType], description: "The album's picture." }),
  }),
});

const TrackInputType = builder.inputType('TrackInput', {
  description:
    'A track to create or update. `externalId` identifies it, so sending the same catalogue twice changes nothing.',
  fields: (t) => ({
    externalId: t.string({ required: true, description: "The calling app's own id for the track, its natural key." }),
    title: t.string({ required: true, description: "The track's title." }),
    artist: t.string({
      description:
        'The name of the only main artist, not case-sensitive: a short form of `artists`. One of them is required.',
    }),
    artists: t.field({
      type: [CreditInputType],
      description: 'The artists in the order in which they are shown, at most 100, at least one of them MAIN.',
    }),
    album: t.field({ type: AlbumInputType, description: 'The album, if known.' }),
    discNumber: t.int({ description: "The number of the album's disc, if known: 1–1,000." }),
    trackNumber: t.int({ description: "The track's number on the disc, if known: 1–10,000." }),
    isrc: t.string({ description: 'The International Standard Recording Code, with or without hyphens.' }),
    covers: t.field({
      type: [CoverInputType],
      description: "The track's own picture. Without it, its album's is shown.",
    }),
    previewUrl: t.string({ description: 'The address of audio to play. It must begin with `https://`.' }),
    externalUrls: t.field({
      type: [ExternalUrlInputType],
      description: "The track's pages at other services, at most 20, one for each service.",
    }),
    metadata: t.field({ type: 'Metadata', description: 'Values by declared key. Undeclared keys are refused.' }),
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
