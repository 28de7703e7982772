import type { ModelVersion } from '../recommend/recommender.ts';
import { type Context, requireRole } from './context.ts';

export async function modelVersions(first: number, context: Context): Promise<ModelVersion[]> {
  requireRole(context, 'ANALYST');
  return context.recommender.versions(first);
}

/** Requires ADMIN, because it changes everybody's recommendations. */
export async function activateModelVersion(modelVersion: string, context: Context): Promise<{ version: ModelVersion }> {
  requireRole(context, 'ADMIN');
  return { version: await context.recommender.activate(modelVersion) };
}
