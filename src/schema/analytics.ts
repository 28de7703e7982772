import type { Analytics, Engagement, OffPolicyEstimate } from '../recommend/recommender.ts';
import { analytics, offPolicyEstimate } from '../resolvers/analytics.ts';
import { builder, given } from './builder.ts';
import { GenreType } from './catalogue.ts';

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const EngagementType = builder.interfaceRef<Engagement>('Engagement').implement({
  description:
    'What came of impressions. An impression is a place of a list that was sent: a track counts once a list, however often ' +
    'the list is opened, at the time when the list was begun. Whether anybody looked at it is not known.',
  fields: (t) => ({
    impressions: t.exposeInt('impressions', { description: 'Places of lists that were sent.' }),
    clicks: t.exposeInt('clicks', { description: 'Those with a PLAY, COMPLETE, LIKE or SAVE that named the list.' }),
    completions: t.exposeInt('completions', { description: 'Those with a COMPLETE.' }),
    likes: t.exposeInt('likes', { description: 'Those with a LIKE or SAVE.' }),
    skips: t.exposeInt('skips', { description: 'Those with a SKIP.' }),
    rejections: t.exposeInt('rejections', { description: 'Those with a DISLIKE or HIDE.' }),
    ctr: t.float({
      nullable: true,
      description: 'Clicks for each impression; null without impressions.',
      resolve: ({ clicks, impressions }) => share(clicks, impressions),
    }),
    completionRate: t.float({
      nullable: true,
      description: 'Completions for each click; null without clicks.',
      resolve: ({ completions, clicks }) => share(completions, clicks),
    }),
    skipRate: t.float({
      nullable: true,
      description: 'Skips for each impression; null without impressions.',
      resolve: ({ skips, impressions }) => share(skips, impressions),
    }),
  }),
});
const interfaces = [EngagementType];

type Row<List extends keyof Analytics> = Analytics[List] extends readonly (infer Item extends object)[] ? Item : never;

const TotalsType = builder.objectRef<Engagement>('EngagementTotals').implement({
  description: 'Of all lists of the time.',
  interfaces,
});

const ModelVersionType = builder.objectRef<Row<'byModelVersion'>>('ModelVersionEngagement').implement({
  description: 'Of the lists of one recommender version.',
  interfaces,
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that made the lists.' }),
  }),
});

const ListSurfaceType = builder.enumType('ListSurface', {
  description: 'Where a list was asked for.',
  values: {
    RECOMMENDATIONS: { description: '`recommendations`, asked for or followed.' },
    SIMILAR: { description: '`Track.similar`.' },
  } as const,
});

const SurfaceType = builder.objectRef<Row<'bySurface'>>('SurfaceEngagement').implement({
  description: 'Of the lists of one kind.',
  interfaces,
  fields: (t) => ({
    surface: t.field({ type: ListSurfaceType, description: 'The kind.', resolve: ({ surface }) => surface }),
  }),
});

const PositionType = builder.objectRef<Row<'byPosition'>>('PositionEngagement').implement({
  description: 'Of one place in the lists.',
  interfaces,
  fields: (t) => ({
    position: t.exposeInt('position', {
      nullable: true,
      description: '1-based; null for all places below the hundredth.',
    }),
  }),
});

const GenreRowType = builder.objectRef<Row<'byGenre'>>('GenreEngagement').implement({
  description: 'Of tracks with one main genre: the first that their source names. A track counts under that one alone.',
  interfaces,
  fields: (t) => ({
    genre: t.field({
      type: GenreType,
      nullable: true,
      description: 'Null for tracks without a genre.',
      resolve: ({ genre }) => genre,
    }),
  }),
});

const ReasonKindType = builder.enumType('ReasonKind', {
  description: 'What a reason refers to.',
  values: {
    HISTORY: { description: 'Something that the listener did.' },
    PREFERENCE: { description: 'Something that the listener said, or asked for.' },
    POPULARITY: { description: 'What others listen to.' },
    NONE: { description: 'Nothing spoke for the track.' },
  } as const,
});

const ReasonKindRowType = builder.objectRef<Row<'byReasonKind'>>('ReasonKindEngagement').implement({
  description: 'Of tracks with one kind of main reason: the one that spoke most for them when they were served.',
  interfaces,
  fields: (t) => ({
    reasonKind: t.field({ type: ReasonKindType, description: 'The kind.', resolve: ({ reasonKind }) => reasonKind }),
  }),
});

const DayType = builder.objectRef<Row<'byDay'>>('DayEngagement').implement({
  description: 'Of the lists of one day.',
  interfaces,
  fields: (t) => ({
    day: t.field({ type: 'DateTime', description: 'When the day begins, in UTC.', resolve: ({ day }) => day }),
  }),
});

const AnalyticsType = builder.objectRef<Analytics>('Analytics').implement({
  description:
    'What came of the lists served in a time. Every breakdown adds up to `totals`. Lists are kept for 90 days; feedback counts ' +
    'for its impression whenever it comes.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'As asked for, or filled in.', resolve: ({ from }) => from }),
    to: t.field({ type: 'DateTime', description: 'Not included.', resolve: ({ to }) => to }),
    totals: t.field({ type: TotalsType, description: 'All together.', resolve: ({ totals }) => totals }),
    byModelVersion: t.field({
      type: [ModelVersionType],
      description: 'Most impressions first.',
      resolve: (rows) => rows.byModelVersion,
    }),
    bySurface: t.field({
      type: [SurfaceType],
      description: 'Most impressions first.',
      resolve: (rows) => rows.bySurface,
    }),
    byPosition: t.field({ type: [PositionType], description: 'Top first.', resolve: (rows) => rows.byPosition }),
    byGenre: t.field({
      type: [GenreRowType],
      description: 'Most impressions first.',
      resolve: (rows) => rows.byGenre,
    }),
    byReasonKind: t.field({
      type: [ReasonKindRowType],
      description: 'Most impressions first.',
      resolve: (rows) => rows.byReasonKind,
    }),
    byDay: t.field({ type: [DayType], description: 'Oldest first.', resolve: (rows) => rows.byDay }),
    unattributed: t.exposeInt('unattributed', {
      description: 'Feedback of the time whose `requestId` names no list that had this track for this listener.',
    }),
  }),
});

const OffPolicyEstimateType = builder.objectRef<OffPolicyEstimate>('OffPolicyEstimate').implement({
  description:
    'What clicks for each impression would come to with another recommender version, judged by the lists of the last day (at ' +
    'most 1,000) and their logged propensities. Only as good as the server explores: see `meanWeight`.',
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that is judged.' }),
    lists: t.exposeInt('lists', { description: 'Lists that it is judged by.' }),
    impressions: t.exposeInt('impressions', { description: 'Their places.' }),
    ctr: t.exposeFloat('ctr', { nullable: true, description: 'Clicks for each impression as they were served.' }),
    ips: t.exposeFloat('ips', { nullable: true, description: 'Inverse propensity score: unbiased, and noisy.' }),
    snips: t.exposeFloat('snips', {
      nullable: true,
      description: 'The same, normalised by the weights: hardly biased, and steadier.',
    }),
    low: t.exposeFloat('low', { nullable: true, description: 'Lower end of the 95 % interval of `snips`.' }),
    high: t.exposeFloat('high', { nullable: true, description: 'Its upper end.' }),
    effectiveSampleSize: t.exposeFloat('effectiveSampleSize', {
      description: 'As many impressions of the version itself would say as much.',
    }),
    meanWeight: t.exposeFloat('meanWeight', {
      nullable: true,
      description:
        'Near 1 where what the version would show could have been shown; what is missing to 1 is not judged.',
    }),
  }),
});

builder.queryFields((t) => ({
  offPolicyEstimate: t.field({
    type: OffPolicyEstimateType,
    nullable: true,
    description:
      'How a version would do, before it serves; null when there is no such version or its weights are not kept. ANALYST role.',
    args: { modelVersion: t.arg.string({ required: true, description: 'The version to judge.' }) },
    resolve: (_, { modelVersion }, context) => offPolicyEstimate(modelVersion, context),
  }),
  analytics: t.field({
    type: AnalyticsType,
    description: 'What came of the recommendations. ANALYST role.',
    args: {
      from: t.arg({ type: 'DateTime', description: 'Seven days before `to` where it is left out.' }),
      to: t.arg({
        type: 'DateTime',
        description: 'Not included; now where it is left out. At most 366 days after `from`.',
      }),
      modelVersion: t.arg.string({ description: 'Only lists of this version.' }),
    },
    resolve: (_, args, context) => analytics(given(args), context),
  }),
}));
