import type { Analytics } from '../../recommend/recommender.ts';
import { analytics, breakdown, coverage } from '../../resolvers/recommend/analytics.ts';
import { builder, given } from '../builder.ts';
import { AxisEnum, BreakdownType, CoverageType } from './breakdown.ts';
import {
  DayType,
  GenreRowType,
  ModelVersionType,
  PositionType,
  ReasonKindRowType,
  SurfaceType,
  TotalsType,
} from './engagement.ts';

const AnalyticsType = builder.objectRef<Analytics>('Analytics').implement({
  description:
    'Engagement with the lists served in a period. The rows of each breakdown add up to `totals`. Lists are kept for ' +
    '90 days; feedback counts for its impression whenever it arrives. Lists that analysts and administrators ask for ' +
    'do not count.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Start of the period, inclusive.', resolve: ({ from }) => from }),
    to: t.field({ type: 'DateTime', description: 'End of the period, exclusive.', resolve: ({ to }) => to }),
    timeZone: t.exposeString('timeZone', { description: 'The time zone in which days begin.' }),
    warnings: t.exposeStringList('warnings', {
      description: 'What has to be known about the figures: for example that a part of the period is no longer kept.',
    }),
    breakdown: t.field({
      type: BreakdownType,
      description:
        'Engagement along several axes at once, most impressions first: for example by version, genre and day. The rows ' +
        'of a complete breakdown add up to `totals`.',
      args: {
        by: t.arg({ type: [AxisEnum], required: true, description: 'The axes, each once.' }),
        first: t.arg.int({ defaultValue: 100, description: 'Maximum number of rows, 1–100.' }),
      },
      resolve: (period, { by, first }, context) => breakdown(period, by, first ?? 100, context),
    }),
    coverage: t.field({
      type: CoverageType,
      description: 'Which part of the catalogue was in the lists of the period.',
      resolve: (period, _, context) => coverage(period, context),
    }),
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

builder.queryFields((t) => ({
  analytics: t.field({
    type: AnalyticsType,
    description: 'Engagement with the recommendations served in a period. Requires the ANALYST role.',
    args: {
      from: t.arg({
        type: 'DateOrTime',
        description: 'Start of the period, inclusive. By default seven days before `to`.',
      }),
      to: t.arg({
        type: 'DateOrTime',
        description: 'End of the period, exclusive, at most 366 days after `from`. By default the current time.',
      }),
      modelVersion: t.arg.string({ description: 'Counts only lists of this recommender version.' }),
      timeZone: t.arg.string({
        description: 'The time zone in which days begin, by its IANA name like `Europe/Berlin`. By default `UTC`.',
      }),
    },
    resolve: (_, args, context) => analytics(given(args), context),
  }),
}));
