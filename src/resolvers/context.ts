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
  loaders: Loaders;
}

export function createContext(services: Services, viewer: Viewer): Context {
  return { ...services, viewer, loaders: createLoaders(services, viewer) };
}

/** A context for one event of a subscription. */
export interface EventContext {
  context: Context;
  /** Whether anything was asked of who asks: then the answer is theirs alone. */
  isPersonal: () => boolean;
}

/** Loaders are new for each event: what was loaded for the one before may have changed. */
export function eventContext({ viewer, loaders: _, ...services }: Context): EventContext {
  let personal = false;
  let loaders: Loaders | null = null;
  const context = {
    ...services,
    get viewer() {
      personal = true;
      return viewer;
    },
    get loaders() {
      personal = true;
      return (loaders ??= createLoaders(services, viewer));
    },
  };
  return { context, isPersonal: () => personal };
}

/** @throws ForbiddenError */
export function requireRole({ viewer }: Context, ...roles: Role[]): void {
  if (roles.some((role) => may(viewer, role))) return;
  throw new ForbiddenError(`This needs the role ${roles.join(' or ')}`);
}
