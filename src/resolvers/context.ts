import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Drafts } from '../drafts/drafts.ts';
import { ForbiddenError } from '../lib/errors.ts';
import { may, type Listeners, type Role, type Viewer } from '../listeners/listeners.ts';
import type { Engine } from '../ml/engine.ts';
import type { Recommender } from '../recommend/recommender.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** The domain, as resolvers see it. */
export interface Services {
  catalogue: Catalogue;
  listeners: Listeners;
  recommender: Recommender;
  drafts: Drafts;
  engine: Engine;
}

/** What every resolver of one operation shares. */
export interface Context extends Services {
  viewer: Viewer;
  /** Replaced before each event of a subscription: what was loaded for the one before may have changed. */
  loaders: Loaders;
}

export function createContext(services: Services, viewer: Viewer): Context {
  return { ...services, viewer, loaders: createLoaders(services, viewer) };
}

/** For subscriptions, which live longer than what a loader may remember. */
export function refreshLoaders(context: Context): void {
  context.loaders = createLoaders(context, context.viewer);
}

/** @throws ForbiddenError */
export function requireRole({ viewer }: Context, ...roles: Role[]): void {
  if (roles.some((role) => may(viewer, role))) return;
  throw new ForbiddenError(`This needs the role ${roles.join(' or ')}`);
}
