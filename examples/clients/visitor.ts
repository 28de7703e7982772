import { type ClientOptions, request } from '../client/client.ts';
import { ClaimVisitorDocument } from '../client/generated/graphql.ts';

/** Where a device keeps the token: `localStorage` in a browser. */
export interface TokenStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

interface Visitor {
  token: string;
  expiresAt: string;
}

const KEY = 'cadenza-visitor';

/** A page's first query and its subscription ask at once, and are to be of one visitor. */
const making = new Map<TokenStore, Promise<string>>();

/**
 * The token of the visitor at this device, for everyone who has not signed in.
 * @param url e.g. `https://cadenza.example.com/graphql`
 */
export async function visitorToken(url: string, store: TokenStore): Promise<string> {
  const known = knownVisitor(store);
  if (known) return known.token;
  const made = making.get(store) ?? makeVisitor(url, store).finally(() => making.delete(store));
  making.set(store, made);
  return made;
}

async function makeVisitor(url: string, store: TokenStore): Promise<string> {
  const response = await fetch(new URL('/visitors', url), { method: 'POST' });
  if (!response.ok) throw new Error(`No visitor was made: ${response.status}`);
  const visitor = (await response.json()) as Visitor;
  store.setItem(KEY, JSON.stringify(visitor));
  return visitor.token;
}

function knownVisitor(store: TokenStore): Visitor | null {
  const visitor = JSON.parse(store.getItem(KEY) ?? 'null') as Visitor | null;
  return visitor && Date.parse(visitor.expiresAt) > Date.now() ? visitor : null;
}

/** Gives the account what the visitor did. Call it each time somebody has signed in, with the account's token. */
export async function keepHistory(account: ClientOptions, store: TokenStore): Promise<void> {
  const visitor = knownVisitor(store);
  if (visitor) {
    const { claimVisitor } = await request(account, ClaimVisitorDocument, { visitorToken: visitor.token });
    // A ConflictError: somebody else has signed in at this device before. There is nothing to keep.
    if (claimVisitor.__typename === 'NotFoundError') throw new Error(claimVisitor.message);
  }
  store.removeItem(KEY);
}
