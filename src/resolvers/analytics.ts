import type { Analytics, AnalyticsQuery } from '../recommend/recommender.ts';
import { requireRole, type Context } from './context.ts';

export async function analytics(query: AnalyticsQuery, context: Context): Promise<Analytics> {
  requireRole(context, 'ANALYST');
  return context.recommender.analytics(query);
}
