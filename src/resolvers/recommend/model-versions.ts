import { accountOf } from '../../listeners/listeners.ts';
import type { ModelVersion } from '../../recommend/recommender.ts';
import type { Context } from '../context.ts';

export async function modelVersions(first: number, context: Context): Promise<ModelVersion[]> {
  return context.recommender.versions(first);
}

/** Requires ADMIN, because it changes everybody's recommendations. */
export async function activateModelVersion(modelVersion: string, context: Context): Promise<{ version: ModelVersion }> {
  return { version: await context.recommender.activate(modelVersion, accountOf(context.viewer).id) };
}
