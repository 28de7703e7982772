import type {
  ContextWord,
  Explanation,
  Reason,
  ReasonLink,
  Recommendation,
  RecommendationPage,
} from '../../recommend/recommender.ts';
import { existingTrack } from '../../resolvers/catalogue.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { remainder, shownReasons } from '../../resolvers/recommend/recommendations.ts';
import { builder } from '../builder.ts';
import { listFields } from '../connection.ts';
import { FeedbackKindType } from '../feedback.ts';
import { TrackType } from '../track-refs.ts';

const LocaleType = builder.enumType('Locale', {
  description: 'The language of an explanation.',
  values: { EN: { description: 'English.' }, ZH: { description: 'Chinese.' } } as const,
});

export const localeArgs = builder.args((t) => ({
  locale: t.field({ type: LocaleType, defaultValue: 'EN', description: 'The language of the text.' }),
}));

const CounterfactualType = builder.objectRef<{ score: number; rank: number | null }>('Counterfactual').implement({
  description: "A track's score and rank in the ranking recomputed under another assumption.",
  fields: (t) => ({
    score: t.exposeFloat('score', { description: 'The score it would have.' }),
    rank: t.exposeInt('rank', {
      nullable: true,
      description: 'The rank it would have among all eligible tracks. Null if it would not be eligible.',
    }),
  }),
});

const reasonTypes = {
  history: 'HistoryReason',
  preference: 'PreferenceReason',
  popularity: 'PopularityReason',
} as const;

const ReasonType = builder.interfaceRef<Reason>('Reason').implement({
  description: 'One additive part of a score.',
  fields: (t) => ({
    contribution: t.exposeFloat('contribution', {
      description: 'The signed amount that the reason adds to the score.',
    }),
    summary: t.string({
      description: 'The reason in words.',
      args: localeArgs,
      resolve: (reason, { locale }) => reason.summary(locale ?? 'EN'),
    }),
    without: t.field({
      type: CounterfactualType,
      description: "The track's score and rank if this reason did not hold.",
      resolve: (reason) => reason.without(),
    }),
  }),
  resolveType: (reason) => reasonTypes[reason.kind],
});

const LinkKindType = builder.enumType('LinkKind', {
  description: 'Why a track that was heard speaks for another.',
  values: {
    LISTENERS: {
      description: 'The same people hear both, or what training found in how people hear tracks like them.',
    },
    SAME_ARTIST: { description: 'Both are by the same artist.' },
    SHARED_GENRE: { description: 'Both have a genre.' },
    SHARED_TAG: { description: 'Both have a tag.' },
  } as const,
});

const ReasonLinkType = builder.objectRef<ReasonLink>('ReasonLink').implement({
  description: "A part of a reason's contribution: what connects the two tracks.",
  fields: (t) => ({
    kind: t.expose('kind', { type: LinkKindType, description: 'What connects them.' }),
    names: t.exposeStringList('names', {
      description:
        'The artists, genres or tags that both have: at most 5, those that count most. Empty for `LISTENERS`.',
    }),
    contribution: t.exposeFloat('contribution', {
      description: "The signed amount. The links of a reason add up to the reason's contribution.",
    }),
  }),
});

builder.objectRef<Extract<Reason, { kind: 'history' }>>('HistoryReason').implement({
  description: "The listener's feedback on a track.",
  interfaces: [ReasonType],
  fields: (t) => ({
    track: t.field({
      type: TrackType,
      description: 'The track.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    feedback: t.field({
      type: FeedbackKindType,
      description: 'The feedback that counts.',
      resolve: ({ feedback }) => feedback,
    }),
    at: t.field({
      type: 'DateTime',
      description: 'When the listener last gave this feedback.',
      resolve: ({ at }) => at,
    }),
    links: t.field({
      type: [ReasonLinkType],
      description: 'Why feedback on that track speaks for this one, the largest contribution first.',
      resolve: ({ links }) => links,
    }),
  }),
});

builder.objectRef<Extract<Reason, { kind: 'preference' }>>('PreferenceReason').implement({
  description: 'A preference that the listener stated or the request contains.',
  interfaces: [ReasonType],
  fields: (t) => ({
    preference: t.exposeString('preference', {
      description: "The preference, for example genre `jazz` or the listener's own words.",
    }),
  }),
});

builder.objectRef<Extract<Reason, { kind: 'popularity' }>>('PopularityReason').implement({
  description: "The track's popularity with other listeners.",
  interfaces: [ReasonType],
  fields: (t) => ({
    listeners: t.exposeInt('listeners', {
      description:
        "Number of the track's listeners in the last 30 days, or of all time, not counting those who reject it.",
    }),
    ofAllTime: t.exposeBoolean('ofAllTime', {
      description: 'Whether `listeners` counts all time, because too little was played in the last 30 days.',
    }),
  }),
});

export const ExplanationType = builder.objectRef<Explanation>('Explanation').implement({
  description:
    "The reasons for a track's score. They are exact: `score = baseline + Σ contribution` over all reasons, and each " +
    'counterfactual is the ranking recomputed without that reason.',
  fields: (t) => ({
    id: t.id({
      description:
        'A globally unique, opaque id for caches: the same for the same explanation, however often it is requested. It ' +
        'cannot be passed to `node`.',
      resolve: ({ id }) => encodeId('Explanation', id),
    }),
    summary: t.string({
      description:
        'The main reasons in words. In a list, a sentence tells what those above it have not told; a reason that was told ' +
        'twice is told again only where it is the main one.',
      args: localeArgs,
      resolve: (explanation, { locale }) => explanation.summary(locale ?? 'EN'),
    }),
    baseline: t.exposeFloat('baseline', { description: 'The score of an average track without any reason.' }),
    reasons: t.field({
      type: [ReasonType],
      description: 'The reasons for or against the track, largest contribution first.',
      args: { first: t.arg.int({ defaultValue: 3, description: 'Maximum number of reasons: 1–100.' }) },
      resolve: (explanation, { first }) => shownReasons(explanation, first ?? 3),
    }),
    remainder: t.float({
      description: 'The sum of the contributions that `reasons(first:)` leaves out.',
      args: { first: t.arg.int({ defaultValue: 3, description: 'The same `first` as for `reasons`: 1–100.' }) },
      resolve: (explanation, { first }) => remainder(explanation, first ?? 3),
    }),
  }),
});

export const RecommendationType = builder.objectRef<Recommendation>('Recommendation').implement({
  description: 'A track in a recommendation list.',
  fields: (t) => ({
    id: t.id({
      description:
        'A globally unique, opaque id for caches: the same whenever the same page of the list is requested, as long as ' +
        'nothing has changed, also when `requestId` has become another one. It cannot be passed to `node`.',
      resolve: ({ explanation }) => encodeId('Recommendation', explanation.id),
    }),
    track: t.field({
      type: TrackType,
      description: 'The recommended track.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    rank: t.exposeInt('rank', { description: 'Position in this list, from 1, after diversification.' }),
    score: t.exposeFloat('score', {
      description: 'Predicted affinity. Equals `explanation.baseline` plus the contributions of all reasons.',
    }),
    scoreRank: t.exposeInt('scoreRank', {
      description:
        'Position by score alone among all eligible tracks, from 1. Differs from `rank` if diversification moved the ' +
        'track.',
    }),
    propensity: t.exposeFloat('propensity', {
      description:
        'The probability that this track was chosen for its position, given the tracks above it. It is 1 unless the ' +
        'server explores: it then fills some positions at random from the hundred best tracks.',
    }),
    explanation: t.field({
      type: ExplanationType,
      description: "The reasons for the track's score.",
      resolve: ({ explanation }) => explanation,
    }),
  }),
});

const WordMatchType = builder.enumType('WordMatch', {
  description: 'What became of a word of `context.text`.',
  values: {
    MATCHED: { description: 'Tracks of the catalogue are described by the word, and count for it.' },
    UNMATCHED: { description: 'No track is described by the word.' },
    NEGATED: { description: 'The word is negated, as in "not metal": it counts for no track.' },
    IGNORED: { description: 'The word says nothing about the music, as in "music for".' },
  } as const,
});

const ContextWordType = builder.objectRef<ContextWord>('ContextWord').implement({
  description: 'A word of `context.text`.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'The word as it was written, in lower case.' }),
    match: t.field({ type: WordMatchType, description: 'What became of the word.', resolve: ({ match }) => match }),
  }),
});

const fields = listFields<Recommendation>('Recommendation', RecommendationType);

export const RecommendationConnectionType = builder
  .objectRef<RecommendationPage>('RecommendationConnection')
  .implement({
    description:
      'A page of a recommendation list. Later pages continue the same list, whatever changes in the meantime.',
    fields: (t) => ({
      ...fields(t),
      requestId: t.exposeID('requestId', {
        description: 'The id of this list. Send it with feedback to attribute the feedback to the list.',
      }),
      contextWords: t.field({
        type: [ContextWordType],
        description: 'The words of `context.text`, each once: which of them matched, and which did not.',
        resolve: ({ contextWords }) => contextWords,
      }),
      modelVersion: t.exposeString('modelVersion', { description: 'The recommender version that produced the list.' }),
    }),
  });
