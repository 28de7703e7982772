import { type Erasure, type Feedback, isVisitor, type Listener, type Preferences } from '../../listeners/listeners.ts';
import { artistsById, existingTrack, need } from '../../resolvers/catalogue.ts';
import { draftsOf } from '../../resolvers/drafts/drafts.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import * as listeners from '../../resolvers/listeners.ts';
import { outcome } from '../../resolvers/outcome.ts';
import * as feedback from '../../resolvers/recommend/feedback.ts';
import { builder, filled, given } from '../builder.ts';
import { GenreType, TrackConnectionType } from '../catalogue/catalogue.ts';
import { connectionType, pageArgs } from '../connection.ts';
import { DraftConnectionType, ListenerType } from '../drafts/draft-refs.ts';
import { DraftFilterInput } from '../drafts/drafts.ts';
import { resultType } from '../errors.ts';
import { FeedbackKindType, TrackMarkType } from '../feedback.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import { ArtistType, TrackType } from '../track-refs.ts';

const GenrePreferenceType = builder.objectRef<Preferences['genres'][number]>('GenrePreference').implement({
  description: "A listener's preference for or against a genre.",
  fields: (t) => ({
    genre: t.field({
      type: GenreType,
      description: 'The genre.',
      resolve: ({ slug }, _, { loaders }) => need(loaders.genresBySlug.load(slug), `genre ${slug}`),
    }),
    weight: t.exposeFloat('weight', { description: 'The weight in [-1, 1]. A negative weight means avoid.' }),
  }),
});

const PreferencesType = builder.objectRef<Preferences>('Preferences').implement({
  description: 'What a listener says they like.',
  fields: (t) => ({
    genres: t.field({
      type: [GenrePreferenceType],
      description: 'The genres, highest weight first.',
      resolve: ({ genres }) => genres,
    }),
    artists: t.field({
      type: [ArtistType],
      description: 'The artists, in the order given.',
      resolve: ({ artistIds }, _, context) => artistsById(artistIds, context),
    }),
    tags: t.field({ type: ['String'], description: 'The tags, in lower case.', resolve: ({ tags }) => tags }),
    text: t.exposeString('text', { nullable: true, description: 'What the listener likes, in their own words.' }),
    allowExplicit: t.exposeBoolean('allowExplicit', { description: 'Whether explicit tracks may be recommended.' }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the preferences last changed. Null if none were ever stated.',
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});

const FeedbackType = builder.objectRef<Feedback>('Feedback').implement({
  description: 'What a listener did with a track.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Feedback', id) }),
    track: t.field({
      type: TrackType,
      description: 'The track.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    kind: t.field({ type: FeedbackKindType, description: 'What the listener did.', resolve: ({ kind }) => kind }),
    plays: t.exposeInt('plays', {
      description: 'Number of events. More than 1 if an import supplied counts instead of events.',
    }),
    listenedMs: t.exposeInt('listenedMs', {
      nullable: true,
      description: 'Milliseconds listened, if reported.',
    }),
    at: t.field({ type: 'DateTime', description: 'When it happened.', resolve: ({ at }) => at }),
    requestId: t.exposeID('requestId', {
      nullable: true,
      description: 'The `requestId` of the list that the listener responded to. Null if none was named.',
    }),
  }),
});

const FeedbackConnectionType = connectionType<Feedback>('Feedback', FeedbackType);

builder.objectType(ListenerType, {
  description:
    'A person who listens and writes. Personal data is visible to that person and to the SERVICE and ANALYST roles.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Listener', id) }),
    externalId: t.string({
      description: "The calling app's own id for the listener.",
      resolve: (listener: Listener, _, context) => listeners.externalIdOf(listener, context),
    }),
    displayName: t.exposeString('displayName', { description: "The listener's display name." }),
    isVisitor: t.boolean({
      description: 'Whether the listener has not signed in: see `claimVisitor`.',
      resolve: isVisitor,
    }),
    simulated: t.exposeBoolean('simulated', { description: 'Whether the listener is simulated by the built-in demo.' }),
    preferences: t.field({
      type: PreferencesType,
      description: "The listener's preferences.",
      resolve: (listener, _, context) => listeners.preferencesOf(listener, context),
    }),
    feedback: t.field({
      type: FeedbackConnectionType,
      description: "The listener's feedback, newest first.",
      args: {
        kinds: t.arg({ type: [FeedbackKindType], description: 'Includes only feedback of these kinds.' }),
        ...pageArgs(20),
      },
      resolve: (listener, args, context) => listeners.feedbackOf(listener, filled(args, { first: 20 }), context),
    }),
    tracks: t.field({
      type: TrackConnectionType,
      description: 'The tracks that the listener likes, saved or hid, the latest first: a library.',
      args: {
        mark: t.arg({ type: TrackMarkType, required: true, description: 'What the tracks are marked as.' }),
        ...pageArgs(20),
      },
      resolve: (listener, args, context) => listeners.markedTracksOf(listener, filled(args, { first: 20 }), context),
    }),
    drafts: t.field({
      type: DraftConnectionType,
      description: "The listener's drafts, newest first. Other listeners see only shared drafts.",
      args: {
        filter: t.arg({ type: DraftFilterInput, description: 'Conditions that the drafts must meet.' }),
        search: t.arg.string({
          description:
            'Words that all occur in the title, the prompt or the text, at most 200 characters. The last one may be ' +
            'unfinished. All drafts match if absent.',
        }),
        ...pageArgs(20),
      },
      resolve: (listener, args, context) => draftsOf(listener, filled(args, { first: 20 }), context),
    }),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({
    type: ListenerType,
    description: 'The listener on whose behalf the request is made.',
    resolve: (_, __, { viewer }) => viewer.listener,
  }),
  listener: t.field({
    type: ListenerType,
    nullable: true,
    description: 'A listener by external id. Null if there is none. Requires the SERVICE or ANALYST role.',
    args: { externalId: t.arg.string({ required: true, description: "The calling app's own id for the listener." }) },
    resolve: (_, { externalId }, context) => listeners.listenerByExternalId(externalId, context),
  }),
}));

const GenrePreferenceInput = builder.inputType('GenrePreferenceInput', {
  description: 'A preference for or against a genre.',
  fields: (t) => ({
    genre: t.string({ required: true, description: "The genre's slug." }),
    weight: t.float({
      required: true,
      defaultValue: 1,
      description: 'The weight in [-1, 1]. A negative weight means avoid.',
    }),
  }),
});

const SetPreferencesInput = builder.inputType('SetPreferencesInput', {
  description: 'Changes to preferences. Absent fields keep their values; an empty list or text clears the field.',
  fields: (t) => ({
    genres: t.field({ type: [GenrePreferenceInput], description: 'Genres, at most 100, each once.' }),
    artistIds: t.idList({ description: 'The `id`s of artists, at most 100.' }),
    tags: t.stringList({ description: 'Tags, at most 50.' }),
    text: t.string({ description: 'What the listener likes, in their own words, at most 1,000 characters.' }),
    allowExplicit: t.boolean({ description: 'Whether explicit tracks may be recommended.' }),
  }),
});

const FeedbackInput = builder.inputType('FeedbackInput', {
  description: 'What a listener did with a track.',
  fields: (t) => ({
    listenerId: t.id({
      description: "The listener's `id`. By default the viewer. Naming another listener requires the SERVICE role.",
    }),
    listenerExternalId: t.string({
      description:
        "The calling app's own id of the listener, instead of `listenerId`. The listener is created if it is new.",
    }),
    trackId: t.id({ description: "The track's `id`. Required unless `trackExternalId` is given." }),
    trackExternalId: t.string({ description: "The calling app's own id of the track, instead of `trackId`." }),
    kind: t.field({ type: FeedbackKindType, required: true, description: 'What the listener did.' }),
    listenedMs: t.int({ description: 'Milliseconds listened, at most 24 hours.' }),
    at: t.field({ type: 'DateTime', description: 'When it happened. By default now.' }),
    requestId: t.id({ description: 'The `requestId` of the list that the listener responded to.' }),
    idempotencyKey: t.string({
      description:
        'A name for this event. Repeating it with the same input returns the first result and records nothing.',
    }),
  }),
});

const SetPreferencesSuccess = builder.objectRef<{ preferences: Preferences }>('SetPreferencesSuccess').implement({
  description: 'The preferences have been changed.',
  fields: (t) => ({
    preferences: t.field({
      type: PreferencesType,
      description: 'The preferences as they are now.',
      resolve: ({ preferences }) => preferences,
    }),
  }),
});

const RecordFeedbackSuccess = builder.objectRef<{ feedback: Feedback }>('RecordFeedbackSuccess').implement({
  description: 'The feedback has been recorded.',
  fields: (t) => ({
    feedback: t.field({
      type: FeedbackType,
      description: 'The recorded feedback.',
      resolve: ({ feedback }) => feedback,
    }),
  }),
});

const RecordFeedbackBatchSuccess = builder
  .objectRef<{ recorded: number; duplicates: number }>('RecordFeedbackBatchSuccess')
  .implement({
    description: 'All feedback of the batch has been recorded.',
    fields: (t) => ({
      recorded: t.exposeInt('recorded', { description: 'Number of new events.' }),
      duplicates: t.exposeInt('duplicates', {
        description: 'Number of events whose idempotency key was already known.',
      }),
    }),
  });

const RemoveFeedbackSuccess = builder.objectRef<{ removedId: string }>('RemoveFeedbackSuccess').implement({
  description: 'The feedback has been removed.',
  fields: (t) => ({ removedId: t.exposeID('removedId', { description: 'The `id` of the removed feedback.' }) }),
});

const EraseListenerInput = builder.inputType('EraseListenerInput', {
  description: 'The listener to erase. Pass one of the two ids.',
  fields: (t) => ({
    listenerId: t.id({ description: "The listener's `id`." }),
    externalId: t.string({ description: "The calling app's own id for the listener." }),
  }),
});

/** The result type of each erasing mutation; the fields are the same. */
const erasureType = (name: string) =>
  builder.objectRef<Erasure>(name).implement({
    description:
      'Everything stored about the listener has been deleted. The same external id now names a new listener.',
    fields: (t) => ({
      feedback: t.exposeInt('feedback', { description: 'Number of feedback events deleted.' }),
      verdicts: t.exposeInt('verdicts', {
        description: 'Number of reactions, saved and hidden tracks deleted, including those taken back.',
      }),
      preferences: t.exposeInt('preferences', {
        description: 'Number of genres, artists, tags and texts deleted from the preferences.',
      }),
      lists: t.exposeInt('lists', { description: 'Number of lists of recommendations and of similar tracks deleted.' }),
      drafts: t.exposeInt('drafts', {
        description: 'Number of drafts deleted with their logs, including shared ones.',
      }),
    }),
  });

const eraseListenerErrors = ['InvalidInputError', 'NotFoundError', 'ConflictError', 'ForbiddenError'] as const;
const eraseMeErrors = ['InvalidInputError', 'NotFoundError', 'ConflictError'] as const;
const setErrors = ['InvalidInputError', 'NotFoundError'] as const;
const recordErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError', 'IdempotencyConflictError'] as const;
const removeErrors = ['InvalidInputError', 'NotFoundError'] as const;

builder.mutationFields((t) => ({
  setPreferences: t.field({
    type: resultType('SetPreferences', SetPreferencesSuccess, setErrors),
    description: "Changes the viewer's preferences. The next list takes them into account.",
    args: { input: t.arg({ type: SetPreferencesInput, required: true, description: 'The changes.' }) },
    resolve: (_, { input }, context) =>
      outcome(setErrors, async () => ({ preferences: await listeners.setPreferences(given(input), context) })),
  }),
  recordFeedback: t.field({
    type: resultType('RecordFeedback', RecordFeedbackSuccess, recordErrors),
    description: 'Records what a listener did with a track. The next list takes it into account.',
    args: { input: t.arg({ type: FeedbackInput, required: true, description: 'The feedback to record.' }) },
    resolve: (_, { input }, context) =>
      outcome(recordErrors, async () => ({ feedback: await feedback.recordFeedback(given(input), context) })),
  }),
  recordFeedbackBatch: t.field({
    type: resultType('RecordFeedbackBatch', RecordFeedbackBatchSuccess, recordErrors),
    description: 'Records up to 1,000 feedback events: all of them or none.',
    args: {
      input: t.arg({ type: [FeedbackInput], required: true, description: 'The feedback to record, in order.' }),
    },
    resolve: (_, { input }, context) =>
      outcome(recordErrors, () => feedback.recordFeedbackBatch(given(input), context)),
  }),
  eraseListener: t.field({
    type: resultType('EraseListener', erasureType('EraseListenerSuccess'), eraseListenerErrors),
    description:
      'Deletes everything stored about a listener: feedback, preferences, lists and drafts, including drafts that ' +
      'are being written. Their open streams end. What training has learned from the listener remains until the next ' +
      'training. Requires the SERVICE role.',
    args: { input: t.arg({ type: EraseListenerInput, required: true, description: 'The listener to erase.' }) },
    resolve: (_, { input }, context) =>
      outcome(eraseListenerErrors, () => listeners.eraseListener(given(input), context)),
  }),
  eraseMe: t.field({
    type: resultType('EraseMe', erasureType('EraseMeSuccess'), eraseMeErrors),
    description: 'Deletes everything stored about the viewer, as `eraseListener` does.',
    args: {
      confirm: t.arg.string({
        required: true,
        description: "The viewer's `externalId`, as a confirmation.",
      }),
    },
    resolve: (_, { confirm }, context) => outcome(eraseMeErrors, () => listeners.eraseMe(confirm, context)),
  }),
  removeFeedback: t.field({
    type: resultType('RemoveFeedback', RemoveFeedbackSuccess, removeErrors),
    description: 'Removes feedback, as if it had never been given.',
    args: { id: t.arg.id({ required: true, description: "The feedback's `id`." }) },
    resolve: (_, { id }, context) => outcome(removeErrors, () => feedback.removeFeedback(id, context)),
  }),
}));
