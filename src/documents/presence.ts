import type { Database } from '../db/client.ts';
import { selectPresence, upsertPresence } from '../db/documents/presence-queries.ts';
import { Batcher } from '../lib/async/batcher.ts';
import { Bell } from '../lib/async/bell.ts';
import { abortable } from '../lib/async/streams.ts';
import { onEach, type Wakeups } from '../lib/async/wakeups.ts';
import { groupBy } from '../lib/collections.ts';
import { ConflictError, InvalidInputError } from '../lib/errors.ts';
import { checkExactText, checkRange } from '../lib/text/check-text.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { DocumentAccess } from './access.ts';
import type { PresenceInput, Present, PresentPeer } from './contract.ts';
import { documentRightsKey, presenceKey } from './wakeup-keys.ts';

const MOST_PEERS = 100;
const MOST_STATE = 1_000;
/** How often readers look for those who have fallen silent. */
const LOOK_MS = 5_000;
const LAST_CLIENT = 2 ** 32 - 1;
const LAST_CLOCK = 2 ** 31 - 1;

interface PresenceOptions {
  database: Database;
  access: DocumentAccess;
  wakeups: Wakeups;
}

/** Who is in a document at the moment. Nothing of it is kept: who does not say so again is gone ([DOCUMENT8]). */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #present = new Batcher<string, Present>((ids) => this.#select(ids));

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  async set(viewer: Viewer, { documentId, clientId, clock, state = null }: PresenceInput): Promise<void> {
    const { access } = this.#options;
    checkWhole(clientId, 'input.clientId', LAST_CLIENT);
    checkWhole(clock, 'input.clock', LAST_CLOCK);
    if (state !== null) checkState(state, 'input.state');
    await access.readable(viewer, documentId);
    await this.show(documentId, { clientId, clock, state, listenerId: viewer.listener.id });
  }

  /** @throws ConflictError */
  async show(documentId: string, peer: PresentPeer): Promise<void> {
    const { database, wakeups } = this.#options;
    const became = await upsertPresence(database, documentId, peer, MOST_PEERS);
    if (became === 'taken') throw new ConflictError('The client is that of another listener');
    if (became === 'full')
      throw new ConflictError(`${MOST_PEERS} clients are in the document, which is all that are shown`);
    wakeups.wake(presenceKey(documentId));
  }

  follow(viewer: Viewer, documentId: string, outer?: AbortSignal): AsyncIterableIterator<Present> {
    return abortable(outer, (signal) => this.#follow(viewer, documentId, signal));
  }

  async *#follow(viewer: Viewer, documentId: string, signal: AbortSignal): AsyncGenerator<Present, void> {
    const { access, wakeups } = this.#options;
    const bell = new Bell();
    void onEach(wakeups.changes(presenceKey(documentId), signal), () => bell.ring());
    void onEach(wakeups.changes(documentRightsKey(documentId), signal), () => bell.ring());
    // Nobody says when somebody falls silent.
    const looking = setInterval(() => bell.ring(), LOOK_MS).unref();
    signal.addEventListener('abort', () => clearInterval(looking), { once: true });
    for (let told: string | null = null; !signal.aborted;) {
      const seen = bell.rings;
      await access.readable(viewer, documentId);
      const present = await this.#present.submit(documentId);
      const all = JSON.stringify(present);
      if (all !== told) yield present;
      told = all;
      await bell.rung(seen, signal);
    }
  }

  /** Those who ask at the same moment get the same object. */
  async #select(ids: readonly string[]): Promise<Present[]> {
    const rows = await selectPresence(this.#options.database, [...new Set(ids)]);
    const peers = groupBy(rows, ({ documentId }) => documentId);
    const present = new Map(ids.map((id) => [id, { peers: peers.get(id) ?? [] }]));
    return ids.map((id) => present.get(id) ?? { peers: [] });
  }
}

function checkWhole(value: number, field: string, most: number): void {
  if (!Number.isInteger(value)) throw new InvalidInputError(`${field} must be a whole number`, field);
  checkRange(value, field, 0, most);
}

/** What others show must be what they can parse, and small enough for all of a document's clients. */
function checkState(state: string, field: string): void {
  checkExactText(state, field, { max: MOST_STATE });
  let parsed: unknown;
  try {
    parsed = JSON.parse(state);
  } catch {
    parsed = null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new InvalidInputError(`${field} must be a JSON object`, field);
}
