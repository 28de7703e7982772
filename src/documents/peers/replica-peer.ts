import { randomUUID } from 'node:crypto';
import type { Database } from '../../db/client.ts';
import { type LogPlace, selectNews, selectStored } from '../../db/documents/update-queries.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import { type DocumentPeer, noSuchDocument, type Within } from '../contract.ts';
import { MovedOnError, type PeerUpdate, type Pushing } from '../pushing.ts';
import type { PeerChange, PeerWriting } from '../yjs/peer-changes.ts';
import type { ReplicaResult } from '../yjs/replicas.ts';
import type { YjsThread } from '../yjs/yjs-thread.ts';

/** Updates that are read at once. Whoever lacks more reads the document anew. */
const READ_AT_ONCE = 128;

interface PeerOptions {
  database: Database;
  pushing: Pushing;
  yjs: YjsThread;
  /** As whom it writes. */
  viewer: Viewer;
  documentId: string;
}

/** Writes on a replica of the document that stays open from word to word. */
export class ReplicaPeer implements DocumentPeer {
  readonly #options: PeerOptions;
  readonly #key = randomUUID();
  /** What the replica has. Null: it is to be opened. */
  #place: LogPlace | null = null;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  async write(writing: PeerWriting, within?: Within): Promise<Omit<PeerChange, 'update'>> {
    for (;;) {
      const found = await this.#change(writing);
      if (found.type === 'unknown') {
        this.#place = null;
        continue;
      }
      const { update, from, isGone, caret, inspected } = found;
      if (isGone || (!update && !within)) return { from, isGone, caret };
      if (await this.#append({ client: writing.client, from, update, inspected }, within))
        return { from, isGone, caret };
    }
  }

  async #append(update: PeerUpdate, within?: Within): Promise<boolean> {
    const { pushing, viewer, documentId } = this.#options;
    const before = this.#place;
    // Until it is known that the log has it too, the replica may have what nobody else has.
    this.#place = null;
    try {
      const end = await pushing.appendOwn(viewer, documentId, update, within);
      // What others have written in between is not in the replica.
      const isNext = end.sequence === (before?.sequence ?? -1) + (update.update ? 1 : 0);
      this.#place = isNext ? end : before;
      return true;
    } catch (error) {
      if (error instanceof MovedOnError) return false;
      throw error;
    }
  }

  async #change(writing: PeerWriting): Promise<ReplicaResult> {
    const { database, yjs, documentId } = this.#options;
    const key = this.#key;
    const updates = this.#place && (await this.#news(this.#place));
    if (updates) return yjs.replica({ key, stored: null, updates, writing });
    const stored = await selectStored(database, documentId);
    if (!stored) throw noSuchDocument(documentId);
    this.#place = stored;
    return yjs.replica({ key, stored: stored.parts, updates: [], writing });
  }

  /** Null if the log does not go on from the replica, or for too long. */
  async #news({ sequence, mark }: LogPlace): Promise<Uint8Array[] | null> {
    const { database, documentId } = this.#options;
    const [news] = await selectNews(database, [{ documentId, after: sequence }], READ_AT_ONCE);
    if (!news) throw noSuchDocument(documentId);
    if (news.sequence === sequence && news.mark === mark) return [];
    const [last, ...updates] = news.updates;
    const goesOn = last?.sequence === sequence && last.mark === mark && updates.at(-1)?.sequence === news.sequence;
    if (!goesOn) return null;
    this.#place = { sequence: news.sequence, mark: news.mark };
    return updates.map(({ update }) => update);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = { key: this.#key, stored: null, updates: [], writing: null };
    await this.#options.yjs.replica(closing).catch(() => undefined);
  }
}
