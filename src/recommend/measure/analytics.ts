import {
  type AnalyticsRange,
  type AxesRow,
  type AxisColumn,
  type CountedGenre,
  type Dimension,
  type DimensionRow,
  selectAnalytics,
  selectBreakdown,
  selectCoverage,
} from '../../db/analytics/analytics-queries.ts';
import type { Database } from '../../db/client.ts';
import { selectVersionState } from '../../db/recommend/recommend-queries.ts';
import { withinTime } from '../../lib/async/deadline.ts';
import type { Clock } from '../../lib/clock.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkFirst } from '../../lib/page.ts';
import { checkText } from '../../lib/text/check-text.ts';
import type { ReasonKind } from '../explain/contract.ts';
import { UNTRAINED } from '../model/serving.ts';
import type {
  Analytics,
  AnalyticsAxis,
  AnalyticsQuery,
  Breakdown,
  Coverage,
  Engagement,
  ListenerSegment,
} from './contract.ts';
import { periodOf, startOfDay, warningsOf } from './period.ts';

const LIMIT = { ms: 5_000, message: 'Counting this period takes longer than 5 seconds: ask for a shorter one' };

type Terms = Parameters<typeof selectAnalytics>[2];

const counted = <Result>(signal: AbortSignal | undefined, count: (terms: Terms) => Promise<Result>): Promise<Result> =>
  withinTime(signal, LIMIT, (limited) => count({ signal: limited, mostMs: LIMIT.ms }));

/**
 * Stops in the database when the signal aborts.
 * @throws InvalidInputError for an empty, too long or unsupported range or an unknown version; DeadlineExceededError
 * after 5 seconds
 */
export async function readAnalytics(
  { database, clock, listDays }: { database: Database; clock: Clock; listDays: number },
  query: AnalyticsQuery,
  signal?: AbortSignal,
): Promise<Analytics> {
  const range = { ...periodOf(query, clock), modelVersion: await checkVersion(database, query.modelVersion ?? null) };
  const found = await counted(signal, (terms) => selectAnalytics(database, range, terms));
  const { engagement, genres, unattributed } = found;
  const along = <Key>(dimension: Dimension, name: (key: string | null) => Key): (Engagement & Key)[] =>
    engagement.flatMap((row) => (row.dimension === dimension ? [{ ...countsOf(row), ...name(row.key) }] : []));
  const [totals = noEngagement] = along('total', () => ({}));
  return {
    ...{ ...range, totals, unattributed, warnings: warningsOf(range, clock, listDays) },
    byModelVersion: along('version', (key) => ({ modelVersion: key ?? '' })),
    bySurface: along('surface', (key) => ({ surface: surfaceOf(key) })),
    byPosition: along('position', (key) => ({ position: key === null ? null : Number(key) })),
    byGenre: along('genre', (key) => ({ genre: genreOf(key, genres) })),
    byReasonKind: along('reason', (key) => ({ reasonKind: (key ?? 'NONE') as ReasonKind })),
    byDay: along('day', (key) => ({ day: startOfDay(key ?? '', range.timeZone), date: key ?? '' })),
  };
}

const COLUMNS: Record<AnalyticsAxis, AxisColumn> = {
  MODEL_VERSION: 'model_version',
  SURFACE: 'surface',
  POSITION: 'position',
  GENRE: 'slug',
  REASON_KIND: 'reason',
  REASON_TRACK: 'reason_track',
  PREFERENCE: 'preference',
  SEGMENT: 'segment',
  DAY: 'day',
};

/** @throws InvalidInputError if there are no axes, or one of them twice; DeadlineExceededError after 5 seconds */
export async function readBreakdown(
  database: Database,
  range: AnalyticsRange,
  axes: readonly AnalyticsAxis[],
  first: number,
  signal?: AbortSignal,
): Promise<Breakdown> {
  checkFirst(first);
  if (axes.length === 0) throw new InvalidInputError('by must name at least one axis', 'by');
  if (new Set(axes).size < axes.length) throw new InvalidInputError('by names an axis twice', 'by');
  // One more than asked for, to know whether there are others.
  const wanted = { axes: axes.map((axis) => COLUMNS[axis]), limit: first + 1 };
  const { rows, genres } = await counted(signal, (terms) => selectBreakdown(database, range, wanted, terms));
  return {
    rows: rows.slice(0, first).map((row) => ({
      ...countsOf(row),
      modelVersion: textIn(row.model_version),
      surface: row.surface == null ? null : surfaceOf(textIn(row.surface)),
      position: row.position == null ? null : Number(row.position),
      genre: genreOf(textIn(row.slug), genres),
      reasonKind: textIn(row.reason) as ReasonKind | null,
      reasonTrackId: row.reason_track == null ? null : Number(row.reason_track),
      preference: textIn(row.preference),
      segment: textIn(row.segment) as ListenerSegment | null,
      date: textIn(row.day),
    })),
    isComplete: rows.length <= first,
  };
}

/** @throws DeadlineExceededError after 5 seconds */
export async function readCoverage(database: Database, range: AnalyticsRange, signal?: AbortSignal): Promise<Coverage> {
  const { served, tracks, topShare } = await counted(signal, (terms) => selectCoverage(database, range, terms));
  return { served, tracks, share: tracks === 0 ? null : served / tracks, topShare };
}

const textIn = (value: AxesRow[AxisColumn]): string | null => (value == null ? null : String(value));
const surfaceOf = (key: string | null) => (key === 'SIMILAR' ? 'SIMILAR' : 'RECOMMENDATIONS');
const genreOf = (slug: string | null, genres: readonly CountedGenre[]) =>
  genres.find((genre) => genre.slug === slug) ?? null;

/** A name that was mistyped would be told as one that nobody was served by. */
async function checkVersion({ db }: Database, name: string | null): Promise<string | null> {
  if (name === null) return null;
  const version = checkText(name, 'modelVersion', { max: 200 });
  if (version === UNTRAINED || (await selectVersionState(db, version))) return version;
  throw new InvalidInputError(`There is no recommender version ${JSON.stringify(version)}`, 'modelVersion');
}

const noEngagement: Engagement = { impressions: 0, clicks: 0, completions: 0, likes: 0, skips: 0, rejections: 0 };

function countsOf({ impressions, clicks, completions, likes, skips, rejections }: DimensionRow | AxesRow): Engagement {
  return { impressions, clicks, completions, likes, skips, rejections };
}
