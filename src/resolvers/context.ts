import type { ApiKeys, AuditLog, TrustedDocuments, UsageMeter } from '../access/access.ts';
import type { Assists } from '../assist/assist.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Documents } from '../documents/documents.ts';
import type { Drafts } from '../drafts/drafts.ts';
import type { Language } from '../language/language.ts';
import { ForbiddenError } from '../lib/errors.ts';
import type { Lifetime } from '../lib/lifetime.ts';
import type { VisitorTokens } from '../listeners/listeners.ts';
import { type Listeners, may, type Role, type Viewer } from '../listeners/listeners.ts';
import type { Engine } from '../ml/engine.ts';
import type { Recommender } from '../recommend/recommender.ts';
import type { Reports } from '../report/report.ts';
import type { TuneRenderer } from '../tunes/rendering.ts';
import type { TuneLinks } from './drafts/tune-links.ts';
import type { TextScoring } from './language/scoring.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** The domain services that resolvers use. */
export interface Services {
  catalogue: Catalogue;
  listeners: Listeners;
  recommender: Recommender;
  drafts: Drafts;
  documents: Documents;
  assists: Assists;
  engine: Engine;
  language: Language;
  /** How likely the model that writes finds texts. */
  scoring: TextScoring;
  reports: Reports;
  /** Sheet music and sound of tunes, and links to them. */
  tunes: { renderer: TuneRenderer; links: TuneLinks };
  /** Tokens of visitors. Null if there are no visitors. */
  visitors: VisitorTokens | null;
  keys: ApiKeys;
  audit: AuditLog;
  usage: UsageMeter;
  /** Documents that clients may name in place of sending them. */
  trusted: TrustedDocuments;
}

/** What all resolvers of one operation share. */
export interface Context extends Services {
  viewer: Viewer;
  loaders: Loaders;
  lifetime: Lifetime;
  /** The cursor that an interrupted stream had reached, as the client's transport reports it. Null if there is none. */
  resumption: string | null;
}

export function createContext(
  services: Services,
  viewer: Viewer,
  lifetime: Lifetime,
  resumption: string | null = null,
): Context {
  return { ...services, viewer, lifetime, loaders: createLoaders(services, viewer), resumption };
}

const BEGINNINGS = [
  'catalogue',
  'listeners',
  'recommender',
  'drafts',
  'documents',
  'assists',
  'engine',
  'language',
  'scoring',
  'reports',
  'tunes',
  'keys',
  'audit',
  'usage',
  'trusted',
  'loaders',
] as const;

/** Ends the use of this context: every resolver reads something of it and is stopped there. */
export function closeContext(context: Context, reason: unknown): void {
  const get = (): never => {
    throw reason;
  };
  for (const name of BEGINNINGS) Object.defineProperty(context, name, { get });
}

/**
 * The context of one event of a subscription. Loaders are new for each event, because what they loaded for the previous
 * one may have changed. It is a class because one is created per event and draft, and an object built from spreads and
 * getters takes ten times as long.
 */
export class EventContext implements Context {
  readonly catalogue: Catalogue;
  readonly listeners: Listeners;
  readonly recommender: Recommender;
  readonly drafts: Drafts;
  readonly documents: Documents;
  readonly assists: Assists;
  readonly engine: Engine;
  readonly language: Language;
  readonly scoring: TextScoring;
  readonly reports: Reports;
  readonly tunes: Services['tunes'];
  readonly visitors: VisitorTokens | null;
  readonly keys: ApiKeys;
  readonly audit: AuditLog;
  readonly usage: UsageMeter;
  readonly trusted: TrustedDocuments;
  readonly resumption = null;
  readonly #of: Context;
  #loaders: Loaders | null = null;
  #personal = false;

  constructor(of: Context) {
    this.catalogue = of.catalogue;
    this.listeners = of.listeners;
    this.recommender = of.recommender;
    this.drafts = of.drafts;
    this.documents = of.documents;
    this.assists = of.assists;
    this.engine = of.engine;
    this.language = of.language;
    this.scoring = of.scoring;
    this.reports = of.reports;
    this.tunes = of.tunes;
    this.visitors = of.visitors;
    this.keys = of.keys;
    this.audit = of.audit;
    this.usage = of.usage;
    this.trusted = of.trusted;
    this.#of = of;
  }

  /** Whether the viewer was read. In that case the answer is for that viewer only. */
  get isPersonal(): boolean {
    return this.#personal;
  }

  get viewer(): Viewer {
    this.#personal = true;
    return this.#of.viewer;
  }

  /** A client that leaves stops work that is done for it alone. */
  get lifetime(): Lifetime {
    this.#personal = true;
    return this.#of.lifetime;
  }

  get loaders(): Loaders {
    this.#personal = true;
    return (this.#loaders ??= createLoaders(this, this.#of.viewer));
  }
}

/** @throws ForbiddenError */
export function requireRole({ viewer }: Context, ...roles: Role[]): void {
  if (roles.some((role) => may(viewer, role))) return;
  throw new ForbiddenError(`This requires the role ${roles.join(' or ')}`);
}
