import type {
  Analytics,
  AnalyticsAxis,
  AnalyticsPeriod,
  AnalyticsQuery,
  Breakdown,
  Coverage,
  OffPolicyEstimate,
} from '../../recommend/recommender.ts';
import type { Context } from '../context.ts';

export async function analytics(query: AnalyticsQuery, context: Context): Promise<Analytics> {
  return context.recommender.analytics(query, context.lifetime.signal);
}

export const breakdown = (
  period: AnalyticsPeriod,
  axes: readonly AnalyticsAxis[],
  first: number,
  { recommender, lifetime }: Context,
): Promise<Breakdown> => recommender.breakdown(period, axes, first, lifetime.signal);

export const coverage = (period: AnalyticsPeriod, { recommender, lifetime }: Context): Promise<Coverage> =>
  recommender.coverage(period, lifetime.signal);

export async function offPolicyEstimate(modelVersion: string, context: Context): Promise<OffPolicyEstimate | null> {
  return context.recommender.offPolicy(modelVersion, context.lifetime.signal);
}
