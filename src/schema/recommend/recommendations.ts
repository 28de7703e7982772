import type { ListChange, RecommenderEvaluation, TrackExplanation } from '../../recommend/recommender.ts';
import { existingTrack } from '../../resolvers/catalogue.ts';
import {
  explanation,
  liveRecommendations,
  radio,
  recommendationChanges,
  recommendations,
} from '../../resolvers/recommend/recommendations.ts';
import { builder, filled, given } from '../builder.ts';
import { TrackFilterInput } from '../catalogue/filters.ts';
import { pageArgs } from '../connection.ts';
import { TrackType } from '../track-refs.ts';
import {
  ExplanationType,
  localeArgs,
  RecommendationConnectionType,
  RecommendationType,
} from './recommendation-list.ts';

const ExclusionType = builder.enumType('Exclusion', {
  description: 'Why a track cannot be in a list, whatever its score.',
  values: {
    HEARD: { description: 'The listener knows the track, or another recording of the song.' },
    HIDDEN: { description: 'The listener disliked or hid the track, or another recording of the song.' },
    EXPLICIT: { description: 'The track is explicit, and the listener does not allow that.' },
    FILTERED: { description: 'The track does not meet the filter.' },
    AVOIDED_GENRE: { description: "The listener avoids the track's genre." },
    OTHER_VERSION: {
      description: 'Another recording of the song is in the list. A list contains each song at most once.',
    },
    WITHDRAWN: { description: 'The track has been withdrawn from the catalogue.' },
  } as const,
});

const RecommendationContextInput = builder.inputType('RecommendationContext', {
  description: 'What the listener wants now. It applies to this request only.',
  fields: (t) => ({
    seedTrackIds: t.idList({ description: 'Ranks tracks similar to these higher.' }),
    unlikeTrackIds: t.idList({ description: 'Ranks tracks similar to these lower, and leaves these out.' }),
    session: t.idList({
      description:
        'The tracks heard in this session, oldest first, in place of what the viewer heard before. For listeners without an ' +
        'id, and where several share one. Dislikes, hidden tracks and preferences of the viewer still count.',
    }),
    text: t.string({
      description:
        'What the listener wants, in words, for example "slow piano jazz". The words are matched against genres, ' +
        'tags, artists and titles, and its meaning with genres and tags where there is an encoder.',
    }),
    moodOf: t.id({
      description:
        'The `id` of a draft. Ranks tracks higher whose genres or tags, or numbers `valence` and `energy`, are close to its mood. A subscription keeps the ' +
        'mood that the draft has when it begins.',
    }),
    freshness: t.float({
      description: 'Preference for new releases: 0–1. At 0, the default, the year of release has no effect.',
    }),
  }),
});

const steeringArgs = builder.args((t) => ({
  context: t.field({ type: RecommendationContextInput, description: 'What the listener wants now.' }),
  filter: t.field({ type: TrackFilterInput, description: 'Conditions that the tracks must meet.' }),
}));

const TrackExplanationType = builder.objectRef<TrackExplanation>('TrackExplanation').implement({
  description: 'Why a track is recommended, or why it is not. Available for every track of the catalogue.',
  fields: (t) => ({
    track: t.field({
      type: TrackType,
      description: 'The track that is explained.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    score: t.exposeFloat('score', { description: "The track's score, even if it is excluded." }),
    scoreRank: t.exposeInt('scoreRank', {
      nullable: true,
      description: 'Position by score alone among all eligible tracks, from 1. Null if the track is excluded.',
    }),
    excludedBy: t.field({
      type: [ExclusionType],
      description: 'Why the track cannot be in the list. Empty if it can.',
      resolve: ({ excludedBy }) => excludedBy,
    }),
    otherVersion: t.field({
      type: TrackType,
      nullable: true,
      description:
        'The other recording of the song by which this track is excluded: one that the listener reacted to or that ' +
        'is in the list. Null if there is none.',
      resolve: ({ otherVersionId }, _, context) =>
        otherVersionId === null ? null : existingTrack(otherVersionId, context),
    }),
    summary: t.string({
      description: 'Why the track does not rank higher, in words: what excludes it, or what outweighs it.',
      args: localeArgs,
      resolve: (answer, { locale }) => answer.summary(locale ?? 'EN'),
    }),
    outweighedBy: t.field({
      type: [RecommendationType],
      description:
        'The tracks that score best and higher than this one, with their reasons. Empty if this track is excluded.',
      args: { first: t.arg.int({ defaultValue: 3, description: 'Maximum number of tracks: 1–100.' }) },
      resolve: (answer, { first }) => answer.outweighedBy(first ?? 3),
    }),
    explanation: t.field({
      type: ExplanationType,
      description: "The reasons for the track's score.",
      resolve: (answer) => answer.explanation,
    }),
  }),
});

const RecommenderEvaluationType = builder.objectRef<RecommenderEvaluation>('RecommenderEvaluation').implement({
  description: 'One metric of one recommender version, measured on held-out data.',
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that was measured.' }),
    dataset: t.exposeString('dataset', { description: 'The data that the version was measured on.' }),
    protocol: t.exposeString('protocol', {
      description: 'How the held-out data was chosen, for example `leave-last-out`.',
    }),
    metric: t.exposeString('metric', { description: 'The metric, for example `NDCG@10`.' }),
    value: t.exposeFloat('value', { description: 'The measured value.' }),
    at: t.field({ type: 'DateTime', description: 'When the version was measured.', resolve: ({ at }) => at }),
  }),
});

const ChangeCauseType = builder.enumType('RecommendationsChangeCause', {
  description: 'Why a list has become another one.',
  values: {
    LISTENER: { description: "The listener's feedback or preferences." },
    MODEL: { description: 'Another version of the recommender serves.' },
    CATALOGUE: { description: 'The catalogue, or the popularity of its tracks.' },
  } as const,
});

const RecommendationsChangeType = builder.objectRef<ListChange>('RecommendationsChange').implement({
  description: 'The list of the given arguments has become another one.',
  fields: (t) => ({
    cause: t.field({ type: ChangeCauseType, description: 'Why it has.', resolve: ({ cause }) => cause }),
    requestId: t.exposeID('requestId', {
      description: 'The id of the list that the query now returns. Nothing counts as seen until the query is sent.',
    }),
  }),
});

const DEFAULTS = { first: 20, diversity: 0.2, calibration: 0, notServedForHours: 0, includeHeard: false };

const RADIO_DEFAULTS = { first: 10, diversity: 0.2, includeHeard: true };

/** How a list is made: what a query and a subscription ask for in the same way is one list. */
const listArgs = {
  ...steeringArgs,
  ...builder.args((t) => ({
    diversity: t.float({
      defaultValue: DEFAULTS.diversity,
      description: 'Weight of diversity against score: 0–1. At 0 only the score counts.',
    }),
    calibration: t.float({
      defaultValue: DEFAULTS.calibration,
      description:
        "How closely the list's genres match the shares in which the viewer plays them: 0–1. At 0 only the score " +
        'counts.',
    }),
    maxPerArtist: t.int({ description: 'Maximum number of tracks per artist in the whole list: 1–100.' }),
    notServedForHours: t.int({
      defaultValue: DEFAULTS.notServedForHours,
      description:
        "Excludes tracks that were in the viewer's lists of the last n hours: 0–720. Above 0, every query opens a new " +
        'list, and a subscription follows the latest.',
    }),
    includeHeard: t.boolean({
      defaultValue: DEFAULTS.includeHeard,
      description: 'Whether tracks that the listener already knows are included.',
    }),
  })),
};

builder.queryFields((t) => ({
  recommendations: t.field({
    type: RecommendationConnectionType,
    description: "The viewer's recommendations.",
    args: { ...listArgs, ...pageArgs(DEFAULTS.first) },
    resolve: (_, args, context, info) => recommendations(filled(args, DEFAULTS), context, info),
  }),
  radio: t.field({
    type: RecommendationConnectionType,
    description:
      'The next tracks of a list without an end. Each page is ranked when it is requested: by the feedback until then, skips ' +
      'included, and by its own `context`, which may differ from page to page. Tracks of earlier pages come again only when ' +
      'no others are left, or after 500 others.',
    args: {
      ...steeringArgs,
      diversity: t.arg.float({
        defaultValue: RADIO_DEFAULTS.diversity,
        description: 'Weight of diversity against score: 0–1. At 0 only the score counts.',
      }),
      includeHeard: t.arg.boolean({
        defaultValue: RADIO_DEFAULTS.includeHeard,
        description: 'Whether tracks that the listener knew before are included.',
      }),
      ...pageArgs(RADIO_DEFAULTS.first),
    },
    resolve: (_, args, context, info) => radio(filled(args, RADIO_DEFAULTS), context, info),
  }),
  explanation: t.field({
    type: TrackExplanationType,
    nullable: true,
    description: 'Why a track is recommended to the viewer, or why it is not. Null if the track does not exist.',
    args: {
      trackId: t.arg.id({ required: true, description: "The track's `id`." }),
      ...steeringArgs,
    },
    resolve: (_, args, context) => explanation(given(args), context),
  }),
  evaluations: t.field({
    type: [RecommenderEvaluationType],
    description:
      'Measurements of recommender versions on held-out data, newest first; also of models of tunes that ' +
      '`npm run evaluate -- tunes --store` measured.',
    args: { first: t.arg.int({ defaultValue: 20, description: 'Maximum number of evaluations: 1–100.' }) },
    resolve: async (_, { first }, { recommender }) => recommender.evaluations(first ?? 20),
  }),
}));

builder.subscriptionFields((t) => ({
  recommendations: t.field({
    type: RecommendationConnectionType,
    description:
      'The list that the query returns for the same arguments, sent again whenever feedback, preferences or the model ' +
      'change it. The query accepts its cursors.',
    args: {
      ...listArgs,
      first: t.arg.int({ defaultValue: DEFAULTS.first, description: 'Length of the list: 1–100.' }),
    },
    subscribe: (_, args, context) => liveRecommendations(filled(args, DEFAULTS), context),
    resolve: (list) => list,
  }),
  recommendationsChanged: t.field({
    type: RecommendationsChangeType,
    description:
      'Says when the list that the query returns for the same arguments has become another one, for pages that keep ' +
      'their list in place and ask again when it suits the reader. `Track.viewerFeedback` marks what was acted on.',
    args: {
      ...listArgs,
      first: t.arg.int({ defaultValue: DEFAULTS.first, description: 'Length of the beginning to watch: 1–100.' }),
    },
    subscribe: (_, args, context) => recommendationChanges(filled(args, DEFAULTS), context),
    resolve: (change) => change,
  }),
}));
