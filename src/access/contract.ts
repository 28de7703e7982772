import type { Page, PageArgs } from '../lib/page.ts';
import type { Listener, Role } from '../listeners/listeners.ts';

/** What may be used in a period: from `soft` on the answers warn, and beyond `hard` there are none. */
export interface Allowance {
  soft: number | null;
  hard: number | null;
}

/** What is limited. Days and months are those of UTC. */
export const QUOTAS = ['requestsPerDay', 'draftsPerDay', 'tokensPerDay', 'tokensPerMonth'] as const;
export type QuotaName = (typeof QUOTAS)[number];

/** The limits of a key; what is absent is not limited. */
export type Quota = { readonly [Name in QuotaName]?: Allowance };

export type KeyStatus = 'ACTIVE' | 'EXPIRED' | 'REVOKED';

export interface ApiKey {
  id: number;
  prefix: string;
  name: string;
  owner: Listener;
  /** The only listener that it acts for. Null: its owner and, with the role SERVICE, whoever is named. */
  listener: Listener | null;
  roles: readonly Role[];
  /** Origins of the pages that may use it. Empty: all, and callers that are no pages. */
  origins: readonly string[];
  quota: Quota;
  createdAt: Date;
  /** The external id of who did. Null for a command, or somebody who has been erased. */
  createdBy: string | null;
  expiresAt: Date | null;
  rotatedAt: Date | null;
  /** Until when the key before the last rotation is accepted. */
  previousUntil: Date | null;
  revokedAt: Date | null;
  status: KeyStatus;
}

/** Listeners are named by their external ids, and created if they are new. */
export interface NewApiKey {
  name: string;
  owner: string;
  actsFor?: string | null;
  roles?: readonly Role[] | null;
  origins?: readonly string[] | null;
  expiresAt?: Date | null;
  quota?: QuotaInput | null;
}

export type QuotaInput = { readonly [Name in QuotaName]?: Partial<Allowance> | null };

/** How far a quota is used up. */
export interface QuotaState extends Allowance {
  quota: QuotaName;
  spent: number;
  /** When the period ends, and with it what was spent. */
  resetsAt: Date;
}

/** A key as it is shown once. */
export interface IssuedKey {
  apiKey: ApiKey;
  secret: string;
}

/** A key that was presented and is valid. */
export interface PresentedKey {
  apiKey: ApiKey;
  /** Null if it does not expire. */
  expiresAt: Date | null;
  /** Calls back when the key is not valid any more. @returns what ends that */
  whenInvalid(act: () => void): () => void;
}

/** API keys. Whoever acts is null for a command of an operator. */
export interface ApiKeys extends AsyncDisposable {
  /** @throws InvalidInputError, ConflictError if the owner has too many */
  create(input: NewApiKey, by: Listener | null): Promise<IssuedKey>;
  /** Gives a key another secret. @throws InvalidInputError, NotFoundError; ConflictError if it is revoked */
  rotate(id: number, graceSeconds: number): Promise<IssuedKey>;
  /** Ends a key, on all nodes, with the connections that it opened. Repeating it changes nothing. @throws NotFoundError */
  revoke(id: number): Promise<ApiKey>;
  /** Replaces all limits of a key; running nodes use them within seconds. @throws InvalidInputError, NotFoundError */
  setQuota(id: number, quota: QuotaInput): Promise<ApiKey>;
  byIds(ids: readonly number[]): Promise<Map<number, ApiKey>>;
  byPrefix(prefix: string): Promise<ApiKey | null>;
  /** Oldest first. @param ownerId null: of all owners @throws InvalidInputError */
  list(ownerId: number | null, page: PageArgs): Promise<Page<ApiKey>>;
  /** @throws UnauthenticatedError, TokenExpiredError, ForbiddenError for a page of another origin */
  identify(secret: string, origin: string | null): Promise<PresentedKey>;
}
