import type { Analytics, AnalyticsQuery, OffPolicyEstimate } from '../recommend/recommender.ts';
import { type Context, requireRole } from './context.ts';

export async function analytics(query: AnalyticsQuery, context: Context): Promise<Analytics> {
  requireRole(context, 'ANALYST');
  return context.recommender.analytics(query, context.lifetime.signal);
}

export async function offPolicyEstimate(modelVersion: string, context: Context): Promise<OffPolicyEstimate | null> {
  requireRole(context, 'ANALYST');
  return context.recommender.offPolicy(modelVersion, context.lifetime.signal);
}
