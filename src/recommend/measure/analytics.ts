import type { Database } from '../../db/client.ts';
import { type Dimension, type DimensionRow, selectAnalytics } from '../../db/queries/analytics-queries.ts';
import { withinTime } from '../../lib/async/deadline.ts';
import type { Clock } from '../../lib/clock.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkText } from '../../lib/text/check-text.ts';
import type { Analytics, AnalyticsQuery, Engagement, ReasonKind } from '../contract.ts';

const DAY_MS = 24 * 3_600_000;
const LONGEST_DAYS = 366;
const DEFAULT_DAYS = 7;
const LIMIT = { ms: 5_000, message: 'Counting this period takes longer than 5 seconds: ask for a shorter one' };

/**
 * Stops in the database when the signal aborts.
 * @throws InvalidInputError for an empty, too long or unsupported range; DeadlineExceededError after 5 seconds
 */
export async function readAnalytics(
  database: Database,
  clock: Clock,
  query: AnalyticsQuery,
  signal?: AbortSignal,
): Promise<Analytics> {
  const { from, to } = rangeOf(query, clock);
  const modelVersion = query.modelVersion == null ? null : checkText(query.modelVersion, 'modelVersion', { max: 200 });
  const { engagement, genres, unattributed } = await withinTime(signal, LIMIT, (limited) =>
    selectAnalytics(database, { from, to, modelVersion }, { signal: limited, mostMs: LIMIT.ms }),
  );
  const along = <Key>(dimension: Dimension, name: (key: string | null) => Key): (Engagement & Key)[] =>
    engagement.flatMap((row) => (row.dimension === dimension ? [{ ...countsOf(row), ...name(row.key) }] : []));
  const [totals = noEngagement] = along('total', () => ({}));
  return {
    ...{ from, to, totals, unattributed },
    byModelVersion: along('version', (key) => ({ modelVersion: key ?? '' })),
    bySurface: along('surface', (key) => ({ surface: key === 'SIMILAR' ? 'SIMILAR' : 'RECOMMENDATIONS' })),
    byPosition: along('position', (key) => ({ position: key === null ? null : Number(key) })),
    byGenre: along('genre', (key) => ({ genre: genres.find(({ slug }) => slug === key) ?? null })),
    byReasonKind: along('reason', (key) => ({ reasonKind: (key ?? 'NONE') as ReasonKind })),
    byDay: along('day', (key) => ({ day: new Date(`${key}T00:00:00Z`) })),
  };
}

function rangeOf(query: AnalyticsQuery, clock: Clock): { from: Date; to: Date } {
  const now = clock.now();
  const to = query.to ?? new Date(now);
  const from = query.from ?? new Date(to.getTime() - DEFAULT_DAYS * DAY_MS);
  if (to.getTime() < 0 || to.getTime() > now + LONGEST_DAYS * DAY_MS) {
    throw new InvalidInputError(`to (${to.toISOString()}) is before 1970 or far in the future`, 'to');
  }
  if (from >= to) throw new InvalidInputError('from must be before to', 'from');
  if (to.getTime() - from.getTime() > LONGEST_DAYS * DAY_MS) {
    throw new InvalidInputError(`from must be at most ${LONGEST_DAYS} days before to`, 'from');
  }
  return { from, to };
}

const noEngagement: Engagement = { impressions: 0, clicks: 0, completions: 0, likes: 0, skips: 0, rejections: 0 };

function countsOf({ impressions, clicks, completions, likes, skips, rejections }: DimensionRow): Engagement {
  return { impressions, clicks, completions, likes, skips, rejections };
}
