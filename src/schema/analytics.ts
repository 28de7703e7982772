import type { Analytics, Engagement, OffPolicyEstimate, OffPolicyRefusal } from '../recommend/recommender.ts';
import { analytics, offPolicyEstimate } from '../resolvers/analytics.ts';
import { builder, given } from './builder.ts';
import { GenreType } from './catalogue/catalogue.ts';

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const EngagementType = builder.interfaceRef<Engagement>('Engagement').implement({
  description:
    'Feedback on impressions. An impression is one position of a list that was sent to a client. A track counts once ' +
    'for each list, however often the list is requested, at the time when the list was opened. Whether anybody ' +
    'looked at it is not known.',
  fields: (t) => ({
    impressions: t.exposeInt('impressions', { description: 'Number of impressions.' }),
    clicks: t.exposeInt('clicks', {
      description: 'Impressions followed by a PLAY, COMPLETE, LIKE or SAVE that names the list.',
    }),
    completions: t.exposeInt('completions', { description: 'Impressions followed by a COMPLETE.' }),
    likes: t.exposeInt('likes', { description: 'Impressions followed by a LIKE or SAVE.' }),
    skips: t.exposeInt('skips', { description: 'Impressions followed by a SKIP.' }),
    rejections: t.exposeInt('rejections', { description: 'Impressions followed by a DISLIKE or HIDE.' }),
    ctr: t.float({
      nullable: true,
      description: 'Clicks per impression. Null if there are no impressions.',
      resolve: ({ clicks, impressions }) => share(clicks, impressions),
    }),
    completionRate: t.float({
      nullable: true,
      description: 'Completions per click. Null if there are no clicks.',
      resolve: ({ completions, clicks }) => share(completions, clicks),
    }),
    skipRate: t.float({
      nullable: true,
      description: 'Skips per impression. Null if there are no impressions.',
      resolve: ({ skips, impressions }) => share(skips, impressions),
    }),
  }),
});
const interfaces = [EngagementType];

type Row<List extends keyof Analytics> = Analytics[List] extends readonly (infer Item extends object)[] ? Item : never;

const TotalsType = builder.objectRef<Engagement>('EngagementTotals').implement({
  description: 'Engagement with all lists of the period.',
  interfaces,
});

const ModelVersionType = builder.objectRef<Row<'byModelVersion'>>('ModelVersionEngagement').implement({
  description: 'Engagement with the lists of one recommender version.',
  interfaces,
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that produced the lists.' }),
  }),
});

const ListSurfaceType = builder.enumType('ListSurface', {
  description: 'The field that a list was requested with.',
  values: {
    RECOMMENDATIONS: { description: '`Query.recommendations` or `Subscription.recommendations`.' },
    SIMILAR: { description: '`Track.similar`.' },
  } as const,
});

const SurfaceType = builder.objectRef<Row<'bySurface'>>('SurfaceEngagement').implement({
  description: 'Engagement with the lists of one surface.',
  interfaces,
  fields: (t) => ({
    surface: t.field({ type: ListSurfaceType, description: 'The surface.', resolve: ({ surface }) => surface }),
  }),
});

const PositionType = builder.objectRef<Row<'byPosition'>>('PositionEngagement').implement({
  description: 'Engagement with one position of the lists.',
  interfaces,
  fields: (t) => ({
    position: t.exposeInt('position', {
      nullable: true,
      description: 'The position, from 1. Null for all positions after 100.',
    }),
  }),
});

const GenreRowType = builder.objectRef<Row<'byGenre'>>('GenreEngagement').implement({
  description:
    "Engagement with the tracks of one main genre. A track's main genre is the first that its source names; the " +
    'track counts under no other.',
  interfaces,
  fields: (t) => ({
    genre: t.field({
      type: GenreType,
      nullable: true,
      description: 'The main genre. Null for tracks without a genre.',
      resolve: ({ genre }) => genre,
    }),
  }),
});

const ReasonKindType = builder.enumType('ReasonKind', {
  description: 'The kind of thing that a reason refers to.',
  values: {
    HISTORY: { description: 'Something the listener did with a track.' },
    PREFERENCE: { description: 'Something the listener stated or requested.' },
    POPULARITY: { description: 'What other listeners play.' },
    NONE: { description: 'No reason counted in favour of the track.' },
  } as const,
});

const ReasonKindRowType = builder.objectRef<Row<'byReasonKind'>>('ReasonKindEngagement').implement({
  description:
    'Engagement with the tracks whose main reason is of one kind. The main reason is the one that contributed most ' +
    'when the track was served.',
  interfaces,
  fields: (t) => ({
    reasonKind: t.field({
      type: ReasonKindType,
      description: 'The kind of the main reason.',
      resolve: ({ reasonKind }) => reasonKind,
    }),
  }),
});

const DayType = builder.objectRef<Row<'byDay'>>('DayEngagement').implement({
  description: 'Engagement with the lists of one day.',
  interfaces,
  fields: (t) => ({
    day: t.field({ type: 'DateTime', description: 'The start of the day, in UTC.', resolve: ({ day }) => day }),
  }),
});

const AnalyticsType = builder.objectRef<Analytics>('Analytics').implement({
  description:
    'Engagement with the lists served in a period. The rows of each breakdown add up to `totals`. Lists are kept for ' +
    '90 days; feedback counts for its impression whenever it arrives.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Start of the period, inclusive.', resolve: ({ from }) => from }),
    to: t.field({ type: 'DateTime', description: 'End of the period, exclusive.', resolve: ({ to }) => to }),
    totals: t.field({
      type: TotalsType,
      description: 'Engagement with all lists of the period.',
      resolve: ({ totals }) => totals,
    }),
    byModelVersion: t.field({
      type: [ModelVersionType],
      description: 'Engagement by recommender version, most impressions first.',
      resolve: (rows) => rows.byModelVersion,
    }),
    bySurface: t.field({
      type: [SurfaceType],
      description: 'Engagement by surface, most impressions first.',
      resolve: (rows) => rows.bySurface,
    }),
    byPosition: t.field({
      type: [PositionType],
      description: 'Engagement by position in the list, in ascending order.',
      resolve: (rows) => rows.byPosition,
    }),
    byGenre: t.field({
      type: [GenreRowType],
      description: 'Engagement by main genre, most impressions first.',
      resolve: (rows) => rows.byGenre,
    }),
    byReasonKind: t.field({
      type: [ReasonKindRowType],
      description: 'Engagement by kind of main reason, most impressions first.',
      resolve: (rows) => rows.byReasonKind,
    }),
    byDay: t.field({ type: [DayType], description: 'Engagement by day, oldest first.', resolve: (rows) => rows.byDay }),
    unattributed: t.exposeInt('unattributed', {
      description:
        'Number of feedback events of the period whose `requestId` names no list with this track and listener.',
    }),
  }),
});

const OffPolicyRefusalEnum = builder.enumType('OffPolicyRefusal', {
  description: 'Reason why there is no estimate for a version.',
  values: {
    NO_LISTS: { description: 'No list of the last day was served after the version was trained.' },
    TOO_FEW: { description: '`effectiveSampleSize` is below 100.' },
  } satisfies Record<OffPolicyRefusal, { description: string }>,
});

const OffPolicyEstimateType = builder.objectRef<OffPolicyEstimate>('OffPolicyEstimate').implement({
  description:
    'An estimate of the click-through rate that another recommender version would have, from at most 1,000 lists of ' +
    "the last day and their logged propensities. It is only as good as the server's exploration: see `meanWeight`.",
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that is estimated.' }),
    servedAfter: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which the training of the version read the feedback: only lists served later are counted, since the ' +
        'version has learned from the earlier ones. Null for `untrained`.',
      resolve: ({ servedAfter }) => servedAfter,
    }),
    refusal: t.field({
      type: OffPolicyRefusalEnum,
      nullable: true,
      description: 'Reason why `ips`, `snips`, `low` and `high` are null. Null if there is an estimate.',
      resolve: ({ refusal }) => refusal,
    }),
    lists: t.exposeInt('lists', { description: 'Number of lists that the estimate is based on.' }),
    impressions: t.exposeInt('impressions', { description: 'Number of impressions in these lists.' }),
    ctr: t.exposeFloat('ctr', { nullable: true, description: 'Clicks per impression as served.' }),
    ips: t.exposeFloat('ips', {
      nullable: true,
      description: 'Estimate by inverse propensity scoring: unbiased, but with a high variance.',
    }),
    snips: t.exposeFloat('snips', {
      nullable: true,
      description: 'Estimate by self-normalised inverse propensity scoring: slightly biased, with a lower variance.',
    }),
    low: t.exposeFloat('low', {
      nullable: true,
      description: 'Lower bound of the 95 % confidence interval of `snips`.',
    }),
    high: t.exposeFloat('high', {
      nullable: true,
      description: 'Upper bound of the 95 % confidence interval of `snips`.',
    }),
    effectiveSampleSize: t.exposeFloat('effectiveSampleSize', {
      description: 'Number of impressions served by the version itself that would be equally informative.',
    }),
    meanWeight: t.exposeFloat('meanWeight', {
      nullable: true,
      description:
        'Mean importance weight. Near 1 if the lists could have shown what the version would show; the shortfall is ' +
        'the part that cannot be estimated.',
    }),
  }),
});

builder.queryFields((t) => ({
  offPolicyEstimate: t.field({
    type: OffPolicyEstimateType,
    nullable: true,
    description:
      "Estimates a version's click-through rate before it serves. Null if the version does not exist or its weights " +
      'are not kept. Requires the ANALYST role.',
    args: { modelVersion: t.arg.string({ required: true, description: 'The version to estimate.' }) },
    resolve: (_, { modelVersion }, context) => offPolicyEstimate(modelVersion, context),
  }),
  analytics: t.field({
    type: AnalyticsType,
    description: 'Engagement with the recommendations served in a period. Requires the ANALYST role.',
    args: {
      from: t.arg({
        type: 'DateTime',
        description: 'Start of the period, inclusive. By default seven days before `to`.',
      }),
      to: t.arg({
        type: 'DateTime',
        description: 'End of the period, exclusive, at most 366 days after `from`. By default the current time.',
      }),
      modelVersion: t.arg.string({ description: 'Counts only lists of this recommender version.' }),
    },
    resolve: (_, args, context) => analytics(given(args), context),
  }),
}));
