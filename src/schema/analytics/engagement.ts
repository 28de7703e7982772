import { type Analytics, type Engagement, type RateInterval, rateInterval } from '../../recommend/recommender.ts';
import { builder } from '../builder.ts';
import { GenreType } from '../catalogue/catalogue.ts';

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
const intervalOf = (part: number, whole: number): RateInterval | null =>
  whole === 0 ? null : rateInterval(part, whole);

const IntervalType = builder.objectRef<RateInterval>('RateInterval').implement({
  description: 'The 95 % interval of a rate by the number of its observations (Wilson), which also holds for few.',
  fields: (t) => ({
    low: t.exposeFloat('low', { description: 'Lower bound.' }),
    high: t.exposeFloat('high', { description: 'Upper bound.' }),
  }),
});

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
    ctrInterval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'The interval of `ctr`. Null if there are no impressions.',
      resolve: ({ clicks, impressions }) => intervalOf(clicks, impressions),
    }),
    completionRate: t.float({
      nullable: true,
      description: 'Completions per click. Null if there are no clicks.',
      resolve: ({ completions, clicks }) => share(completions, clicks),
    }),
    completionRateInterval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'The interval of `completionRate`. Null if there are no clicks.',
      resolve: ({ completions, clicks }) => intervalOf(completions, clicks),
    }),
    skipRate: t.float({
      nullable: true,
      description: 'Skips per impression. Null if there are no impressions.',
      resolve: ({ skips, impressions }) => share(skips, impressions),
    }),
    skipRateInterval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'The interval of `skipRate`. Null if there are no impressions.',
      resolve: ({ skips, impressions }) => intervalOf(skips, impressions),
    }),
    isSmall: t.boolean({
      description: 'Whether there are fewer than 100 impressions: rates of so few differ by chance.',
      resolve: ({ impressions }) => impressions < 100,
    }),
  }),
});
export const interfaces = [EngagementType];

type Row<List extends keyof Analytics> = Analytics[List] extends readonly (infer Item extends object)[] ? Item : never;

export const TotalsType = builder.objectRef<Engagement>('EngagementTotals').implement({
  description: 'Engagement with all lists of the period.',
  interfaces,
});

export const ModelVersionType = builder.objectRef<Row<'byModelVersion'>>('ModelVersionEngagement').implement({
  description: 'Engagement with the lists of one recommender version.',
  interfaces,
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that produced the lists.' }),
  }),
});

export const ListSurfaceType = builder.enumType('ListSurface', {
  description: 'The field that a list was requested with.',
  values: {
    RECOMMENDATIONS: { description: '`Query.recommendations` or `Subscription.recommendations`.' },
    SIMILAR: { description: '`Track.similar`.' },
  } as const,
});

export const SurfaceType = builder.objectRef<Row<'bySurface'>>('SurfaceEngagement').implement({
  description: 'Engagement with the lists of one surface.',
  interfaces,
  fields: (t) => ({
    surface: t.field({ type: ListSurfaceType, description: 'The surface.', resolve: ({ surface }) => surface }),
  }),
});

export const PositionType = builder.objectRef<Row<'byPosition'>>('PositionEngagement').implement({
  description: 'Engagement with one position of the lists.',
  interfaces,
  fields: (t) => ({
    position: t.exposeInt('position', {
      nullable: true,
      description: 'The position, from 1. Null for all positions after 100.',
    }),
  }),
});

export const GenreRowType = builder.objectRef<Row<'byGenre'>>('GenreEngagement').implement({
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

export const ReasonKindType = builder.enumType('ReasonKind', {
  description: 'The kind of thing that a reason refers to.',
  values: {
    HISTORY: { description: 'Something the listener did with a track.' },
    PREFERENCE: { description: 'Something the listener stated or requested.' },
    POPULARITY: { description: 'What other listeners play.' },
    NONE: { description: 'No reason counted in favour of the track.' },
  } as const,
});

export const ReasonKindRowType = builder.objectRef<Row<'byReasonKind'>>('ReasonKindEngagement').implement({
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

export const DayType = builder.objectRef<Row<'byDay'>>('DayEngagement').implement({
  description: 'Engagement with the lists of one day.',
  interfaces,
  fields: (t) => ({
    day: t.field({ type: 'DateTime', description: 'When the day begins.', resolve: ({ day }) => day }),
    date: t.exposeString('date', { description: 'The date in the time zone of the query, as `2026-11-01`.' }),
  }),
});
