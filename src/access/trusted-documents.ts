import { createHash } from 'node:crypto';
import * as queries from '../db/access/document-queries.ts';
import type { Database } from '../db/client.ts';
import { onEach, type Wakeups } from '../lib/async/wakeups.ts';
import { InvalidInputError, NotFoundError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkName } from '../lib/text/check-text.ts';
import { trustedDocumentsWakeup } from './wakeup-keys.ts';

export type TrustedDocument = queries.TrustedDocumentRow;

/** They are in each node's memory, so that an unknown id costs no statement. */
const MOST = { documents: 10_000, bytes: 32 * 2 ** 20 };
const PREFIX = 'sha256:';

interface Options {
  database: Database;
  wakeups: Wakeups;
  log: Logger;
}

/** GraphQL documents that were registered, by the SHA-256 of their text ([TRUST1]). */
export class TrustedDocuments implements AsyncDisposable {
  readonly #options: Options;
  readonly #closing = new AbortController();
  #texts: ReadonlyMap<string, string> = new Map();

  private constructor(options: Options) {
    this.#options = options;
    const changes = options.wakeups.changes(trustedDocumentsWakeup, this.#closing.signal);
    void onEach(changes, () => this.#reload());
  }

  static async open(options: Options): Promise<TrustedDocuments> {
    const documents = new TrustedDocuments(options);
    await documents.#read();
    return documents;
  }

  /** @param id with or without the prefix `sha256:` */
  textOf(id: string): string | null {
    return this.#texts.get(id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id) ?? null;
  }

  has(text: string): boolean {
    return this.#texts.has(idOf(text));
  }

  list(): Promise<TrustedDocument[]> {
    return queries.selectTrustedDocuments(this.#options.database.db);
  }

  /**
   * Registers all documents of a manifest or none; running nodes take them at once.
   * @param manifest texts by their ids
   * @returns the number of those that were not known
   * @throws InvalidInputError
   */
  async register(client: string, manifest: Readonly<Record<string, string>>): Promise<number> {
    const name = checkName(client, 'client', { max: 100 });
    const documents = Object.entries(manifest).map(([given, text]) => {
      const id = idOf(text);
      if (given === id || given === PREFIX + id) return { id, text, client: name };
      throw new InvalidInputError(
        `${given.slice(0, 80)} is not the SHA-256 of its document: generate the manifest with hashAlgorithm: 'sha256'`,
        'manifest',
      );
    });
    const made = await queries.insertTrustedDocuments(this.#options.database, documents, MOST);
    if (made === null)
      throw new InvalidInputError(
        `There may be ${MOST.documents} documents of ${MOST.bytes / 2 ** 20} MiB in all: remove some first`,
        'manifest',
      );
    await this.#changed();
    return made;
  }

  /** @throws NotFoundError */
  async remove(id: string): Promise<void> {
    const { db } = this.#options.database;
    const plain = id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id;
    if (!(await queries.deleteTrustedDocument(db, plain)))
      throw new NotFoundError(`There is no document ${plain.slice(0, 80)}`, plain);
    await this.#changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  async #changed(): Promise<void> {
    await this.#read();
    this.#options.wakeups.wake(trustedDocumentsWakeup);
  }

  /** After a lost connection there is another wake-up, so that a failure is made good. */
  async #reload(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'Trusted documents could not be read; those known before are served');
    }
  }

  async #read(): Promise<void> {
    this.#texts = new Map((await this.list()).map(({ id, text }) => [id, text]));
  }
}

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');
