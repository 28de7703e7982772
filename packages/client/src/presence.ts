import type { Client } from 'graphql-ws';
import { pause, request, results } from './connection.ts';

/** What this needs of the `Awareness` of y-protocols, to which every editor's binding writes. */
export interface AwarenessLike {
  readonly clientID: number;
  readonly states: Map<number, Record<string, unknown>>;
  readonly meta: Map<number, { clock: number; lastUpdated: number }>;
  getLocalState(): Record<string, unknown> | null;
  on(name: 'update', act: (changes: AwarenessChanges) => void): void;
  off(name: 'update', act: (changes: AwarenessChanges) => void): void;
  emit(name: string, args: unknown[]): void;
}

export interface AwarenessChanges {
  added: number[];
  updated: number[];
  removed: number[];
}

interface PresentPeer {
  clientId: number;
  clock: number;
  state: string;
}

const PRESENCE = `subscription ($id: ID!) { documentPresence(documentId: $id) { peers { clientId clock state } } }`;
const SET = `mutation ($input: SetPresenceInput!) { setPresence(input: $input) { __typename } }`;
/** A cursor that moves is told this often. */
const TELL_MS = 250;
/** The server forgets after 30 seconds. */
const REMIND_MS = 12_000;
/** Who leaves waits no longer for a connection that may be lost. */
const LEAVE_MS = 1_000;

/** Shows others where this client is, and this client where they are, over one connection. */
export class Presence implements Disposable {
  readonly #client: Client;
  readonly #documentId: string;
  readonly #awareness: AwarenessLike;
  readonly #reminding: ReturnType<typeof setInterval>;
  #telling: ReturnType<typeof setTimeout> | null = null;
  #hasBegun = false;

  constructor(client: Client, documentId: string, awareness: AwarenessLike) {
    this.#client = client;
    this.#documentId = documentId;
    this.#awareness = awareness;
    this.#reminding = setInterval(() => this.#tellSoon(), REMIND_MS);
  }

  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#awareness.on('update', this.#changed);
    this.#tellSoon();
    void this.#follow();
  }

  /** Tells others that this client is gone, so that they need not wait until it is forgotten. */
  async leave(signal: AbortSignal): Promise<void> {
    if (!this.#hasBegun) return;
    if (this.#telling) clearTimeout(this.#telling);
    await Promise.race([this.#tell(null), pause(LEAVE_MS, signal)]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#reminding);
    if (this.#telling) clearTimeout(this.#telling);
    this.#awareness.off('update', this.#changed);
    this.#show([]);
  }

  readonly #changed = ({ added, updated, removed }: AwarenessChanges): void => {
    if ([...added, ...updated, ...removed].includes(this.#awareness.clientID)) this.#tellSoon();
  };

  #tellSoon(): void {
    if (!this.#hasBegun || this.#telling) return;
    this.#telling = setTimeout(() => {
      this.#telling = null;
      void this.#tell(this.#awareness.getLocalState());
    }, TELL_MS);
  }

  async #tell(state: Record<string, unknown> | null): Promise<void> {
    const { clientID: clientId, meta } = this.#awareness;
    const clock = meta.get(clientId)?.clock ?? 0;
    const input = { documentId: this.#documentId, clientId, clock, state: state && JSON.stringify(state) };
    // Presence is worth nothing later: the next reminder says it again.
    await request(this.#client, SET, { input }).catch(() => undefined);
  }

  async #follow(): Promise<void> {
    try {
      const events = results<{ documentPresence: { peers: PresentPeer[] } }>(this.#client, PRESENCE, {
        id: this.#documentId,
      });
      for await (const { documentPresence } of events) this.#show(documentPresence.peers);
    } catch {
      // The connection is gone, and with the next one this begins anew.
    }
  }

  /** What is there now replaces what was there, as Awareness tells its listeners. */
  #show(peers: readonly PresentPeer[]): void {
    const { states, meta, clientID } = this.#awareness;
    const others = peers.filter(({ clientId }) => clientId !== clientID);
    const known = new Map([...states].filter(([id]) => id !== clientID));
    const changes: AwarenessChanges = { added: [], updated: [], removed: [] };
    for (const { clientId, clock, state } of others) {
      const isNew = !known.delete(clientId);
      if (!isNew && meta.get(clientId)?.clock === clock) continue;
      states.set(clientId, JSON.parse(state) as Record<string, unknown>);
      (isNew ? changes.added : changes.updated).push(clientId);
      meta.set(clientId, { clock, lastUpdated: Date.now() });
    }
    for (const id of known.keys()) {
      states.delete(id);
      changes.removed.push(id);
    }
    if (Object.values(changes).every((ids: number[]) => ids.length === 0)) return;
    this.#awareness.emit('change', [changes, this]);
    this.#awareness.emit('update', [changes, this]);
  }
}
