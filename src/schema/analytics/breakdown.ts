import type { AnalyticsAxis, Breakdown, BreakdownRow, Coverage, ListenerSegment } from '../../recommend/recommender.ts';
import { builder } from '../builder.ts';
import { GenreType } from '../catalogue/catalogue.ts';
import { TrackType } from '../track-refs.ts';
import { interfaces, ListSurfaceType, ReasonKindType } from './engagement.ts';

export const AxisEnum = builder.enumType('AnalyticsAxis', {
  description: 'What engagement is counted along.',
  values: {
    MODEL_VERSION: { description: 'The recommender version.' },
    SURFACE: { description: 'The field that the list was requested with.' },
    POSITION: { description: 'The position in the list.' },
    GENRE: { description: 'The main genre of the track.' },
    REASON_KIND: { description: 'The kind of the main reason.' },
    REASON_TRACK: { description: 'The heard track that is the main reason.' },
    PREFERENCE: { description: 'The preference that is the main reason.' },
    SEGMENT: { description: 'How much is known of the listener.' },
    DAY: { description: 'The day on which the list was opened.' },
  } satisfies Record<AnalyticsAxis, { description: string }>,
});

const SegmentEnum = builder.enumType('ListenerSegment', {
  description: 'Listeners by their feedback before the period.',
  values: {
    NEW: { description: 'No feedback.' },
    LIGHT: { description: '1 to 49 events.' },
    HEAVY: { description: '50 events or more.' },
  } satisfies Record<ListenerSegment, { description: string }>,
});

const BreakdownRowType = builder.objectRef<BreakdownRow>('BreakdownRow').implement({
  description: 'Engagement with what has these values along the axes. Fields of axes that were not asked for are null.',
  interfaces,
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { nullable: true, description: 'The recommender version.' }),
    surface: t.field({
      type: ListSurfaceType,
      nullable: true,
      description: 'The surface.',
      resolve: ({ surface }) => surface,
    }),
    position: t.exposeInt('position', {
      nullable: true,
      description: 'The position, from 1. Null for all positions after 100.',
    }),
    genre: t.field({
      type: GenreType,
      nullable: true,
      description: 'The main genre. Null for tracks without a genre.',
      resolve: ({ genre }) => genre,
    }),
    reasonKind: t.field({
      type: ReasonKindType,
      nullable: true,
      description: 'The kind of the main reason.',
      resolve: ({ reasonKind }) => reasonKind,
    }),
    reasonTrack: t.field({
      type: TrackType,
      nullable: true,
      description:
        'The track of the main reason. Null for other reasons, and in lists of builds that did not store it.',
      resolve: ({ reasonTrackId }, _, { loaders }) =>
        reasonTrackId === null ? null : loaders.tracks.get(reasonTrackId),
    }),
    preference: t.exposeString('preference', {
      nullable: true,
      description:
        'The preference of the main reason: `genre jazz`, `artist 7` (a number of the catalogue), `tag calm`, `seed 7` ' +
        '(a track), or `text`, `context` or `freshness`, whatever was written. Null for other reasons.',
    }),
    segment: t.field({
      type: SegmentEnum,
      nullable: true,
      description: "The listener's segment.",
      resolve: ({ segment }) => segment,
    }),
    date: t.exposeString('date', {
      nullable: true,
      description: 'The date in the time zone of the query, as `2026-11-01`.',
    }),
  }),
});

export const BreakdownType = builder.objectRef<Breakdown>('Breakdown').implement({
  description: 'Engagement along several axes at once.',
  fields: (t) => ({
    rows: t.field({
      type: [BreakdownRowType],
      description: 'The combinations that occurred, most impressions first.',
      resolve: ({ rows }) => rows,
    }),
    isComplete: t.exposeBoolean('isComplete', { description: 'Whether there are no more rows than were asked for.' }),
  }),
});

export const CoverageType = builder.objectRef<Coverage>('Coverage').implement({
  description: 'Which part of the catalogue was served, over all lists and listeners.',
  fields: (t) => ({
    served: t.exposeInt('served', { description: 'Number of tracks of the catalogue that were in any list.' }),
    tracks: t.exposeInt('tracks', { description: 'Number of tracks of the catalogue that are not withdrawn.' }),
    share: t.exposeFloat('share', {
      nullable: true,
      description: '`served` of `tracks`. Null if the catalogue is empty.',
    }),
    topShare: t.exposeFloat('topShare', {
      nullable: true,
      description:
        'Share of the impressions that the most served hundredth of the catalogue has: 0.01 if all tracks are served ' +
        'alike. Null if nothing was served.',
    }),
  }),
});
