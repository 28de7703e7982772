import type { Client } from 'graphql-ws';
import * as Y from 'yjs';
import { fromBase64, toBase64 } from './base64.ts';
import {
  backOff,
  connect,
  type ConnectionOptions,
  isFinal,
  pause,
  request,
  RequestError,
  results,
} from './connection.ts';
import { type AwarenessLike, Presence } from './presence.ts';
import { type Send, Suggestions } from './suggestions.ts';

export interface ProviderOptions extends ConnectionOptions {
  /** The document's `id`. */
  documentId: string;
  doc: Y.Doc;
  /** The `Awareness` of y-protocols, if presence is to be shown. */
  awareness?: AwarenessLike;
  /** Time in which what is typed is collected into one request; 150 by default. */
  collectMs?: number;
}

/** `refused`: the server takes or shows nothing more, for the reason that `error` has. */
export type ProviderStatus = 'connecting' | 'connected' | 'refused' | 'closed';

type DocumentEvent =
  | { __typename: 'DocumentState'; update: string; stateVector: string }
  | { __typename: 'DocumentUpdated'; updates: string[] };

const FOLLOW = `subscription ($id: ID!, $have: Base64) { documentUpdates(documentId: $id, stateVector: $have) {
  __typename ... on DocumentState { update stateVector } ... on DocumentUpdated { updates } } }`;
const PUSH = `mutation ($input: PushUpdatesInput!) { pushUpdates(input: $input) {
  __typename ... on Error { message } ... on OverloadedError { retryAfterMs } } }`;

interface PushAnswer {
  pushUpdates: { __typename: string; message?: string; retryAfterMs?: number };
}

/** What may be tried again after everything that the server lacks was sent. */
const PASSING = new Set(['ConflictError', 'OverloadedError']);

/**
 * Keeps a Yjs document equal to the server's: what comes is applied, what is typed is sent, and what was typed while
 * there was no connection is sent when there is one. Each connection begins with what both sides lack.
 */
export class CadenzaProvider {
  /** What is suggested in the document. */
  readonly suggestions: Suggestions;
  readonly #options: ProviderOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(status: ProviderStatus) => void>();
  readonly #savedListeners = new Set<(isSaved: boolean) => void>();
  #status: ProviderStatus = 'connecting';
  #error: Error | null = null;
  /** What the server has not confirmed yet. */
  #unsent: Uint8Array[] = [];
  /** Null while there is no connection. */
  #client: Client | null = null;
  #presence: Presence | null = null;
  #isPushing = false;
  readonly #ended: Promise<void>;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.suggestions = new Suggestions(options.doc, options.documentId, this.#send);
    options.doc.on('update', this.#collect);
    this.#ended = this.#run();
  }

  get status(): ProviderStatus {
    return this.#status;
  }

  /** Why the status is `refused`. */
  get error(): Error | null {
    return this.#error;
  }

  /** Whether the server has everything that was typed here. */
  get isSaved(): boolean {
    return this.#unsent.length === 0;
  }

  /** @returns stops telling */
  onStatus(tell: (status: ProviderStatus) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** @returns stops telling */
  onSaved(tell: (isSaved: boolean) => void): () => void {
    this.#savedListeners.add(tell);
    return () => this.#savedListeners.delete(tell);
  }

  /** Settles when the server has everything that was typed here. @throws if it takes nothing more */
  async whenSaved(): Promise<void> {
    if (this.isSaved) return;
    const stops: (() => void)[] = [];
    await new Promise<void>((resolve, reject) => {
      const ended = (status: ProviderStatus): void => {
        if (status === 'refused' || status === 'closed') reject(this.#error ?? new Error('The provider is closed'));
      };
      stops.push(
        this.onSaved((isSaved) => isSaved && resolve()),
        this.onStatus(ended),
      );
      ended(this.#status);
    }).finally(() => stops.forEach((stop) => stop()));
  }

  /** Ends the connection as a lost network would. The next one is made by itself. */
  disconnect(): void {
    this.#client?.terminate();
  }

  async destroy(): Promise<void> {
    this.#options.doc.off('update', this.#collect);
    await this.#presence?.leave(this.#closing.signal);
    this.#closing.abort();
    await this.#client?.dispose();
    await this.#ended;
    if (this.#status !== 'refused') this.#become('closed');
  }

  readonly #collect = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return;
    this.#keep([...this.#unsent, update]);
    void this.#push();
  };

  readonly #send: Send = async (query, variables) => {
    if (!this.#client) throw new Error('There is no connection to the server');
    await this.whenSaved();
    return request(this.#client, query, variables);
  };

  #keep(unsent: Uint8Array[]): void {
    const wasSaved = this.isSaved;
    this.#unsent = unsent;
    if (wasSaved !== this.isSaved) for (const tell of this.#savedListeners) tell(this.isSaved);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted && this.#status !== 'refused'; failures++) {
      const client = connect(this.#options);
      const stop = (): void => void client.dispose();
      signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const event of this.#follow(client)) {
          this.#apply(event, client);
          failures = 0;
        }
      } catch (error) {
        if (isFinal(error) && error instanceof Error) this.#refuse(error);
      } finally {
        signal.removeEventListener('abort', stop);
        this.#client = null;
        await client.dispose();
      }
      if (this.status === 'refused') return;
      this.#become('connecting');
      await pause(backOff(failures), signal);
    }
  }

  async *#follow(client: Client): AsyncGenerator<DocumentEvent, void> {
    const { documentId, doc, awareness } = this.#options;
    using presence = awareness ? new Presence(client, documentId, awareness) : null;
    this.#presence = presence;
    const variables = { id: documentId, have: toBase64(Y.encodeStateVector(doc)) };
    for await (const { documentUpdates } of results<{ documentUpdates: DocumentEvent }>(client, FOLLOW, variables)) {
      yield documentUpdates;
      presence?.begin();
    }
  }

  #apply(event: DocumentEvent, client: Client): void {
    const { doc } = this.#options;
    const updates = event.__typename === 'DocumentState' ? [event.update] : event.updates;
    doc.transact(() => updates.forEach((update) => Y.applyUpdate(doc, fromBase64(update), this)), this);
    if (event.__typename !== 'DocumentState') return;
    // What was typed without a connection, also before this provider was made, and what was sent without an answer.
    const has = fromBase64(event.stateVector);
    this.#client = client;
    this.#keep(isAhead(doc, event) ? [Y.encodeStateAsUpdate(doc, has)] : []);
    this.#become('connected');
    void this.#push();
  }

  /** Sends one request at a time, with all that was typed meanwhile. */
  async #push(): Promise<void> {
    if (this.#isPushing) return;
    this.#isPushing = true;
    const { collectMs = 150 } = this.#options;
    const { signal } = this.#closing;
    await pause(collectMs, signal);
    for (let failures = 0; this.#client && this.#unsent.length > 0 && !signal.aborted;) {
      const wait = await this.#pushOnce(this.#client, failures);
      failures = wait === 0 ? 0 : failures + 1;
      await pause(Math.max(collectMs, wait), signal);
    }
    this.#isPushing = false;
  }

  /** @returns milliseconds to wait before the next request */
  async #pushOnce(client: Client, failures: number): Promise<number> {
    const sent = this.#unsent;
    const updates = [toBase64(Y.mergeUpdates(sent))];
    try {
      const input = { documentId: this.#options.documentId, updates };
      const { pushUpdates: answer } = await request<PushAnswer>(client, PUSH, { input });
      if (answer.__typename === 'PushUpdatesSuccess') {
        this.#keep(this.#unsent.filter((update) => !sent.includes(update)));
        return 0;
      }
      if (!PASSING.has(answer.__typename)) this.#refuse(new Error(answer.message));
      // It lacks something that was sent before: the next connection begins with all that it lacks.
      if (answer.__typename === 'ConflictError') client.terminate();
      return answer.retryAfterMs ?? backOff(failures);
    } catch (error) {
      if (isFinal(error) && error instanceof Error) this.#refuse(error);
      // A connection that is gone: what is unsent goes with the next one.
      return (error instanceof RequestError ? error.retryAfterMs : null) ?? backOff(failures);
    }
  }

  #refuse(error: Error): void {
    this.#error = error;
    this.#become('refused');
    this.#client?.terminate();
  }

  #become(status: ProviderStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const tell of this.#listeners) tell(status);
  }
}

/** Whether a document has insertions or deletions that the server did not have when it sent its state. */
function isAhead(doc: Y.Doc, { update, stateVector }: { update: string; stateVector: string }): boolean {
  const theirs = Y.decodeStateVector(fromBase64(stateVector));
  const own = Y.decodeStateVector(Y.encodeStateVector(doc));
  if ([...own].some(([client, clock]) => clock > (theirs.get(client) ?? 0))) return true;
  // An update names all deletions, whatever it was asked for.
  return !Y.equalDeleteSets(Y.createDeleteSetFromStructStore(doc.store), Y.decodeUpdate(fromBase64(update)).ds);
}
