import type { Database } from '../db/client.ts';
import { selectStored, storeSnapshot } from '../db/documents/update-queries.ts';
import type { Logger } from '../lib/log.ts';
import type { YjsThread } from './yjs/yjs-thread.ts';

/** Updates after which a document's log is made one update again, so that it is read in one piece. */
const LOG_LENGTH = 200;
/** The same in bytes. */
const LOG_BYTES = 256 * 1024;

interface CompactingOptions {
  database: Database;
  yjs: YjsThread;
  logger: Logger;
}

/** Keeps documents quick to load: their logs become snapshots, without what was deleted ([DOCUMENT7]). */
export class Compacting implements AsyncDisposable {
  readonly #options: CompactingOptions;
  readonly #running = new Map<string, Promise<void>>();
  /** Those that grew further meanwhile. Perhaps nobody writes after that. */
  readonly #again = new Set<string>();
  #closed = false;

  constructor(options: CompactingOptions) {
    this.#options = options;
  }

  /** A log has grown to this since its snapshot. */
  grown(documentId: string, { length, bytes }: { length: number; bytes: number }): void {
    if ((length < LOG_LENGTH && bytes < LOG_BYTES) || this.#closed) return;
    if (this.#running.has(documentId)) this.#again.add(documentId);
    else this.#start(documentId);
  }

  #start(documentId: string): void {
    const running = this.#compact(documentId)
      .catch((error: unknown) =>
        this.#options.logger.warn({ err: error, documentId }, 'A document could not be compacted; trying again later'),
      )
      .finally(() => {
        this.#running.delete(documentId);
        if (this.#again.delete(documentId) && !this.#closed) this.#start(documentId);
      });
    this.#running.set(documentId, running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }

  async #compact(documentId: string): Promise<void> {
    const { database, yjs } = this.#options;
    const stored = await selectStored(database, documentId);
    if (!stored) return;
    const { update } = await yjs.state(stored.parts, null, 'stateVector');
    const snapshot = { from: stored.snapshotUntil, until: stored.sequence, snapshot: update };
    await storeSnapshot(database, documentId, snapshot);
  }
}
