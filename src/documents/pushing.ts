import { decodeStateVector, encodeStateVector } from 'yjs';
import type { Database } from '../db/client.ts';
import { appendUpdates, type Decision, type DocumentHead, type LogPlace } from '../db/documents/update-queries.ts';
import { KeyedQueue } from '../lib/async/keyed-queue.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { ConflictError, InvalidInputError } from '../lib/errors.ts';
import { checkLength } from '../lib/text/check-text.ts';
import type { Viewer } from '../listeners/listeners.ts';
import { forbiddenToWrite, maySuggest, mayWrite, roleOf } from './access.ts';
import { noSuchDocument, type Within } from './contract.ts';
import { placeCursor } from './document-cursor.ts';
import { documentKey } from './wakeup-keys.ts';
import type { Inspected } from './yjs/inspect-update.ts';
import type { YjsThread } from './yjs/yjs-thread.ts';

const MOST_UPDATES = 100;
const MOST_UPDATE_BYTES = 256 * 1024;
/** As Base64 it must fit into an answer. */
const MOST_DOCUMENT_BYTES = 2 * 2 ** 20;
/** Whoever has edited a document, in each of their tabs. */
const MOST_CLIENTS = 50_000;

export interface PushingOptions {
  database: Database;
  wakeups: Wakeups;
  clock: Clock;
  yjs: YjsThread;
  /** Called when a log has this much that is not in the snapshot. */
  onGrown: (documentId: string, log: { length: number; bytes: number }) => void;
}

/** What a client that this server writes for has changed, from its clock on. */
export interface PeerUpdate {
  client: number;
  from: number;
  /** Null if nothing is changed, but something is stored. */
  update: Uint8Array | null;
  inspected: Inspected | null;
  /** Whether it changes no text, so that a SUGGESTER may send it. */
  suggests?: boolean;
}

/** Somebody else has written for the client meanwhile, or the log has lost what the change builds on. */
export class MovedOnError extends Error {}

/** Appends what people have written to the logs of documents ([DOCUMENT2], [DOCUMENT3]). */
export class Pushing {
  readonly #options: PushingOptions;
  /** The database would let them wait for each other on connections that others need. */
  readonly #turns = new KeyedQueue<string>();

  constructor(options: PushingOptions) {
    this.#options = options;
  }

  /** @param field names the updates in errors */
  async append(
    viewer: Viewer,
    documentId: string,
    updates: readonly Uint8Array[],
    field: string,
    within?: Within,
  ): Promise<{ cursor: string; stateVector: Uint8Array }> {
    checkLength(updates, field, MOST_UPDATES);
    updates.forEach((update, i) => checkSize(update, `${field}.${i}`));
    const { yjs } = this.#options;
    const inspected = updates.length > 0 ? await yjs.inspect(updates, field) : [];
    const pushed = updates.flatMap((update, i) => (inspected[i] ? [{ ...inspected[i], update }] : []));
    const decide = (head: DocumentHead) => decided(viewer, documentId, head, pushed);
    const { end, stateVector } = await this.#store(viewer, documentId, decide, within);
    return { cursor: placeCursor(documentId, end), stateVector };
  }

  /** @returns the log's end with it. @throws MovedOnError; NotFoundError, ForbiddenError, ConflictError */
  async appendOwn(
    viewer: Viewer,
    documentId: string,
    { client, from, update, inspected, suggests = false }: PeerUpdate,
    within?: Within,
  ): Promise<LogPlace> {
    const pushed = update && inspected ? [{ ...inspected, update }] : [];
    const decide = (head: DocumentHead): Decision => {
      const clock = decodeStateVector(head.stateVector).get(client) ?? 0;
      if (clock !== from) throw new MovedOnError();
      try {
        return decided(viewer, documentId, head, pushed, suggests ? maySuggest : mayWrite);
      } catch (error) {
        throw error instanceof UnknownBaseError ? new MovedOnError() : error;
      }
    };
    return (await this.#store(viewer, documentId, decide, within)).end;
  }

  async #store(viewer: Viewer, documentId: string, decide: (head: DocumentHead) => Decision, within?: Within) {
    const { database, wakeups, clock, onGrown } = this.#options;
    const append = { documentId, authorId: viewer.listener.id, at: new Date(clock.now()), within };
    const appended = await this.#turns.run(documentId, () => appendUpdates(database, append, decide));
    if (!appended) throw noSuchDocument(documentId);
    const { log, hasGrown } = appended;
    if (hasGrown) wakeups.wake(documentKey(documentId));
    if (hasGrown) onGrown(documentId, log);
    return appended;
  }
}

function checkSize(update: Uint8Array, field: string): void {
  if (update.length <= MOST_UPDATE_BYTES) return;
  throw new InvalidInputError(`${field} has ${update.length} bytes; at most ${MOST_UPDATE_BYTES}`, field);
}

type PushedUpdate = Inspected & { update: Uint8Array };

/** Which updates are to be appended, and the document's state vector with them. @throws typed errors */
function decided(
  viewer: Viewer,
  documentId: string,
  head: DocumentHead,
  pushed: readonly PushedUpdate[],
  mayDo = mayWrite,
): Decision {
  const role = roleOf(viewer, head);
  if (role === null) throw noSuchDocument(documentId);
  if (!mayDo(role)) throw forbiddenToWrite();
  const clocks = decodeStateVector(head.stateVector);
  const updates = pushed.filter((update) => advance(clocks, update)).map(({ update }) => update);
  const bytes = updates.reduce((sum, update) => sum + update.length, 0);
  if (bytes > 0 && head.snapshotBytes + head.logBytes + bytes > MOST_DOCUMENT_BYTES)
    throw new ConflictError(`The document is full: it may have ${MOST_DOCUMENT_BYTES} bytes with its deleted parts`);
  if (clocks.size > MOST_CLIENTS)
    throw new ConflictError(`The document has had ${MOST_CLIENTS} clients, which is all it may have`);
  return { updates, stateVector: encodeStateVector(clocks) };
}

/**
 * Nothing that is stored waits for anything: whoever has all updates up to a position has a whole document, and whoever
 * loads it never finds a part that cannot be shown.
 * @returns whether there may be something new in it
 */
function advance(clocks: Map<number, number>, { ranges, needs, deletes }: Inspected): boolean {
  const isNew = deletes || ranges.some(({ client, to }) => to > (clocks.get(client) ?? 0));
  for (const { client, from, to } of ranges) {
    const known = clocks.get(client) ?? 0;
    if (from > known) throw buildsOnUnknown();
    clocks.set(client, Math.max(known, to));
  }
  for (const [client, clock] of needs) if (clock > (clocks.get(client) ?? 0)) throw buildsOnUnknown();
  return isNew;
}

class UnknownBaseError extends ConflictError {}

const buildsOnUnknown = (): ConflictError =>
  new UnknownBaseError(
    'The updates build on others that the server does not have. Nothing was changed: send everything that ' +
      '`stateVector` of the document lacks',
  );
