import type { Erasure, Feedback, Listener, Preferences } from '../listeners/listeners.ts';
import { artistsById, existingTrack, need } from '../resolvers/catalogue.ts';
import { draftsOf } from '../resolvers/drafts.ts';
import { encodeId } from '../resolvers/global-id.ts';
import * as listeners from '../resolvers/listeners.ts';
import { outcome } from '../resolvers/outcome.ts';
import { builder, filled, given } from './builder.ts';
import { GenreType } from './catalogue.ts';
import { connectionType, pageArgs } from './connection.ts';
import { DraftConnectionType, ListenerType } from './draft-refs.ts';
import { resultType } from './errors.ts';
import { FeedbackKindType } from './feedback-kind.ts';
import { idDescription, NodeType } from './nodes.ts';
import { ArtistType, TrackType } from './track-refs.ts';

const GenrePreferenceType = builder.objectRef<Preferences['genres'][number]>('GenrePreference').implement({
  description: 'Weight in [-1, 1]; negative means avoid.',
  fields: (t) => ({
    genre: t.field({
      type: GenreType,
      description: 'Which genre.',
      resolve: ({ slug }, _, { loaders }) => need(loaders.genresBySlug.load(slug), `genre ${slug}`),
    }),
    weight: t.exposeFloat('weight', { description: 'In [-1, 1]; negative means avoid.' }),
  }),
});

const PreferencesType = builder.objectRef<Preferences>('Preferences').implement({
  description: 'What a listener says they like.',
  fields: (t) => ({
    genres: t.field({
      type: [GenrePreferenceType],
      description: 'What is most wanted first.',
      resolve: ({ genres }) => genres,
    }),
    artists: t.field({
      type: [ArtistType],
      description: 'In the order given.',
      resolve: ({ artistIds }, _, context) => artistsById(artistIds, context),
    }),
    tags: t.field({ type: ['String'], description: 'In lower case.', resolve: ({ tags }) => tags }),
    text: t.exposeString('text', { nullable: true, description: 'In their own words.' }),
    allowExplicit: t.exposeBoolean('allowExplicit', { description: 'Explicit tracks may be recommended.' }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Null: nothing was ever stated.',
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});

const FeedbackType = builder.objectRef<Feedback>('Feedback').implement({
  description: 'Something that a listener did with a track.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Feedback', id) }),
    track: t.field({
      type: TrackType,
      description: 'What they did it with.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    kind: t.field({ type: FeedbackKindType, description: 'What they did.', resolve: ({ kind }) => kind }),
    plays: t.exposeInt('plays', {
      description: 'How often: more than 1 where an import gave counts instead of events.',
    }),
    listenedMs: t.exposeInt('listenedMs', {
      nullable: true,
      description: 'How long they listened, in milliseconds, where it was told.',
    }),
    at: t.field({ type: 'DateTime', description: 'When.', resolve: ({ at }) => at }),
    requestId: t.exposeID('requestId', { nullable: true, description: 'The list that it answered.' }),
  }),
});

const FeedbackConnectionType = connectionType<Feedback>('Feedback', FeedbackType);

builder.objectType(ListenerType, {
  description: 'Somebody who listens and writes. What concerns one person is seen by that person, SERVICE and ANALYST.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Listener', id) }),
    externalId: t.string({
      description: "The calling app's own id for this person.",
      resolve: (listener: Listener, _, context) => listeners.externalIdOf(listener, context),
    }),
    displayName: t.exposeString('displayName', { description: 'For people.' }),
    simulated: t.exposeBoolean('simulated', { description: 'Made by the built-in demo: not a person.' }),
    preferences: t.field({
      type: PreferencesType,
      description: 'What they say they like.',
      resolve: (listener, _, context) => listeners.preferencesOf(listener, context),
    }),
    feedback: t.field({
      type: FeedbackConnectionType,
      description: 'Newest first.',
      args: {
        kinds: t.arg({ type: [FeedbackKindType], description: 'Only these.' }),
        ...pageArgs(20),
      },
      resolve: (listener, args, context) => listeners.feedbackOf(listener, filled(args, { first: 20 }), context),
    }),
    drafts: t.field({
      type: DraftConnectionType,
      description: "Newest first; of somebody else's, the shared ones.",
      args: pageArgs(20),
      resolve: (listener, args, context) => draftsOf(listener, filled(args, { first: 20 }), context),
    }),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({ type: ListenerType, description: 'Who asks.', resolve: (_, __, { viewer }) => viewer.listener }),
  listener: t.field({
    type: ListenerType,
    nullable: true,
    description: 'SERVICE and ANALYST roles. Null when nobody has this id.',
    args: { externalId: t.arg.string({ required: true, description: "The calling app's own id." }) },
    resolve: (_, { externalId }, context) => listeners.listenerByExternalId(externalId, context),
  }),
}));

const GenrePreferenceInput = builder.inputType('GenrePreferenceInput', {
  description: 'How much a genre is wanted.',
  fields: (t) => ({
    genre: t.string({ required: true, description: 'Its slug.' }),
    weight: t.float({ required: true, defaultValue: 1, description: 'In [-1, 1]; negative means avoid.' }),
  }),
});

const SetPreferencesInput = builder.inputType('SetPreferencesInput', {
  description: 'Fields left out stay as they are; an empty list or text clears.',
  fields: (t) => ({
    genres: t.field({ type: [GenrePreferenceInput], description: 'Up to 100, each once.' }),
    artistIds: t.idList({ description: 'Up to 100.' }),
    tags: t.stringList({ description: 'Up to 50.' }),
    text: t.string({ description: 'In their own words; up to 1,000 characters.' }),
    allowExplicit: t.boolean({ description: 'Whether explicit tracks may be recommended.' }),
  }),
});

const FeedbackInput = builder.inputType('FeedbackInput', {
  description: 'Something that a listener did.',
  fields: (t) => ({
    listenerId: t.id({
      description: 'Whose feedback; the viewer when absent. Naming somebody else needs the SERVICE role.',
    }),
    trackId: t.id({ required: true, description: 'What they did it with.' }),
    kind: t.field({ type: FeedbackKindType, required: true, description: 'What they did.' }),
    listenedMs: t.int({ description: 'How long they listened, in milliseconds; up to a day.' }),
    at: t.field({ type: 'DateTime', description: 'When; now, when absent.' }),
    requestId: t.id({ description: 'The `requestId` of the list that it answers.' }),
    idempotencyKey: t.string({ description: 'Repeating a key returns the first result and records nothing twice.' }),
  }),
});

const SetPreferencesSuccess = builder.objectRef<{ preferences: Preferences }>('SetPreferencesSuccess').implement({
  description: 'The preferences as they now are.',
  fields: (t) => ({
    preferences: t.field({
      type: PreferencesType,
      description: 'All of them.',
      resolve: ({ preferences }) => preferences,
    }),
  }),
});

const RecordFeedbackSuccess = builder.objectRef<{ feedback: Feedback }>('RecordFeedbackSuccess').implement({
  description: 'The feedback is recorded.',
  fields: (t) => ({
    feedback: t.field({ type: FeedbackType, description: 'As it is kept.', resolve: ({ feedback }) => feedback }),
  }),
});

const RecordFeedbackBatchSuccess = builder
  .objectRef<{ recorded: number; duplicates: number }>('RecordFeedbackBatchSuccess')
  .implement({
    description: 'All of the batch is recorded.',
    fields: (t) => ({
      recorded: t.exposeInt('recorded', { description: 'Those that are new.' }),
      duplicates: t.exposeInt('duplicates', { description: 'Those whose idempotency key had been seen.' }),
    }),
  });

const RemoveFeedbackSuccess = builder.objectRef<{ removedId: string }>('RemoveFeedbackSuccess').implement({
  description: 'The feedback is gone.',
  fields: (t) => ({ removedId: t.exposeID('removedId', { description: 'What it was known by.' }) }),
});

const EraseListenerInput = builder.inputType('EraseListenerInput', {
  description: 'One listener, by either id.',
  fields: (t) => ({
    listenerId: t.id({ description: "The listener's `id`." }),
    externalId: t.string({ description: "The calling app's own id for this person." }),
  }),
});

/** The same facts under the name of each mutation. */
const erasureType = (name: string) =>
  builder.objectRef<Erasure>(name).implement({
    description: 'Nothing is kept of the listener any more. The same external id is a new listener.',
    fields: (t) => ({
      feedback: t.exposeInt('feedback', { description: 'Deleted feedback, one for each that was recorded.' }),
      preferences: t.exposeInt('preferences', { description: 'Deleted genres, artists, tags and texts.' }),
      lists: t.exposeInt('lists', { description: 'Deleted lists of recommendations and similar tracks.' }),
      drafts: t.exposeInt('drafts', { description: 'Deleted drafts, shared ones among them, with their logs.' }),
    }),
  });

const eraseListenerErrors = ['InvalidInputError', 'NotFoundError', 'ConflictError', 'ForbiddenError'] as const;
const eraseMeErrors = ['InvalidInputError', 'NotFoundError', 'ConflictError'] as const;
const setErrors = ['InvalidInputError', 'NotFoundError'] as const;
const recordErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;
const removeErrors = ['NotFoundError'] as const;

builder.mutationFields((t) => ({
  setPreferences: t.field({
    type: resultType('SetPreferences', SetPreferencesSuccess, setErrors),
    description: "Changes the viewer's preferences; the next list follows them.",
    args: { input: t.arg({ type: SetPreferencesInput, required: true, description: 'What changes.' }) },
    resolve: (_, { input }, context) =>
      outcome(setErrors, async () => ({ preferences: await listeners.setPreferences(given(input), context) })) as never,
  }),
  recordFeedback: t.field({
    type: resultType('RecordFeedback', RecordFeedbackSuccess, recordErrors),
    description: 'Records what a listener did; the next list follows it.',
    args: { input: t.arg({ type: FeedbackInput, required: true, description: 'What they did.' }) },
    resolve: (_, { input }, context) =>
      outcome(recordErrors, async () => ({ feedback: await listeners.recordFeedback(given(input), context) })) as never,
  }),
  recordFeedbackBatch: t.field({
    type: resultType('RecordFeedbackBatch', RecordFeedbackBatchSuccess, recordErrors),
    description: 'Up to 1,000 at once: all of the batch or none of it.',
    args: {
      input: t.arg({ type: [FeedbackInput], required: true, description: 'What they did, one after the other.' }),
    },
    resolve: (_, { input }, context) =>
      outcome(recordErrors, () => listeners.recordFeedbackBatch(given(input), context)) as never,
  }),
  eraseListener: t.field({
    type: resultType('EraseListener', erasureType('EraseListenerSuccess'), eraseListenerErrors),
    description:
      'SERVICE role. Deletes everything stored about a listener: feedback, preferences, lists and drafts, also those being ' +
      'written; their open streams end. What training learned from them stays until the next one.',
    args: { input: t.arg({ type: EraseListenerInput, required: true, description: 'Whom.' }) },
    resolve: (_, { input }, context) =>
      outcome(eraseListenerErrors, () => listeners.eraseListener(given(input), context)) as never,
  }),
  eraseMe: t.field({
    type: resultType('EraseMe', erasureType('EraseMeSuccess'), eraseMeErrors),
    description: 'Deletes everything stored about the viewer, as `eraseListener` does.',
    args: {
      confirm: t.arg.string({
        required: true,
        description: "The viewer's `externalId`, so that nobody is erased by a slip.",
      }),
    },
    resolve: (_, { confirm }, context) => outcome(eraseMeErrors, () => listeners.eraseMe(confirm, context)) as never,
  }),
  removeFeedback: t.field({
    type: resultType('RemoveFeedback', RemoveFeedbackSuccess, removeErrors),
    description: 'Takes feedback back, as if it had never been given.',
    args: { id: t.arg.id({ required: true, description: "The feedback's `id`." }) },
    resolve: (_, { id }, context) => outcome(removeErrors, () => listeners.removeFeedback(id, context)) as never,
  }),
}));
