import { AsyncLocalStorage } from 'node:async_hooks';

/** What is known of the request that is being served. It is in every line that is logged meanwhile ([LOGS1]). */
export interface RequestFacts {
  requestId: string;
  /** The external id of the listener, and of the service that acts for it. */
  listener?: string;
  agent?: string;
  /** The prefix of the API key. */
  key?: string;
  /** The operation's name, if it has one. */
  operation?: string;
  /** The id of its trace, where it is traced. */
  trace?: string;
  /** Stated of an operation that lasts as long as its reader wants. */
  kind?: 'subscription';
}

const storage = new AsyncLocalStorage<RequestFacts>();

/** Runs everything that this starts as part of the request. */
export const asRequest = <Result>(facts: RequestFacts, serve: () => Result): Result => storage.run(facts, serve);

/** Undefined outside of requests. */
export const factsOfRequest = (): RequestFacts | undefined => storage.getStore();

/** Adds what has become known. */
export function noteFacts(facts: Partial<RequestFacts>): void {
  const known = storage.getStore();
  if (known) Object.assign(known, facts);
}
