import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../../lib/async/batcher.ts';
import type { Sql } from '../connection/transaction.ts';
import { decrypt, encrypt, KEY_BYTES } from './cipher.ts';
import { type MasterKeys, missingMaster, type WrappedKey } from './master-keys.ts';

/** Maximum number of data keys, and of drafts and documents whose listener is known, in memory: about 200 bytes each. */
const REMEMBERED = 20_000;
/** Bytes of a data key's id before what it encrypts. */
const ID_BYTES = 6;

/** The data key was destroyed, because its listener was erased: what it encrypts is gone. */
export class KeyDestroyedError extends Error {}

/** Tables whose rows are sealed with the key of one listener. */
type OwnedTable = 'drafts' | 'documents';

interface DataKey {
  id: number;
  key: Buffer;
}

/** Encrypts for one listener. `of` names the row and its column, and must be the same for opening. */
export class Sealer {
  readonly #key: DataKey;

  constructor(key: DataKey) {
    this.#key = key;
  }

  seal(data: Uint8Array | string, of: string): Buffer {
    const { id, key } = this.#key;
    const prefix = Buffer.alloc(ID_BYTES);
    prefix.writeUIntBE(id, 0, ID_BYTES);
    return Buffer.concat([prefix, encrypt(key, typeof data === 'string' ? Buffer.from(data) : data, of)]);
  }

  /** Equal for equal data of one place, as far as the listener has one key. Nobody else can compute it. */
  digest(data: Uint8Array, of: string): Buffer {
    return createHmac('sha256', this.#key.key).update(`${of}\n`).update(data).digest();
  }
}

/**
 * Encrypts what people write, with a key for each listener that a master key wraps ([SEAL1]). Without a master key
 * everything is stored as it is.
 */
export class Vault {
  readonly #sql: Sql;
  readonly #masters: MasterKeys | null;
  readonly #asked = new Map<number, Promise<Buffer | null>>();
  /** Those that have arrived, for whoever cannot wait. */
  readonly #arrived = new LRUCache<number, Buffer>({ max: REMEMBERED });
  readonly #current = new LRUCache<number, Promise<DataKey>>({ max: REMEMBERED });
  readonly #owners = new LRUCache<string, number>({ max: REMEMBERED });
  readonly #lookups: Batcher<number, Buffer | null>;

  constructor(sql: Sql, masters: MasterKeys | null) {
    this.#sql = sql;
    this.#masters = masters;
    this.#lookups = new Batcher((ids) => this.#select(ids), 1_000);
  }

  get isOn(): boolean {
    return this.#masters !== null;
  }

  /** What encrypts for a listener; null if nothing is encrypted. */
  async sealerOf(listenerId: number): Promise<Sealer | null> {
    if (!this.#masters) return null;
    const known = this.#current.get(listenerId) ?? this.#remembered(listenerId, this.#masters);
    return new Sealer(await known);
  }

  /** The same for the listener of a draft. Also null if the draft is gone. */
  sealerOfDraft(draftId: string): Promise<Sealer | null> {
    return this.#sealerOf('drafts', draftId);
  }

  /** The same for the owner of a document. Also null if the document is gone. */
  sealerOfDocument(documentId: string): Promise<Sealer | null> {
    return this.#sealerOf('documents', documentId);
  }

  /** @throws KeyDestroyedError, TamperedError */
  async open(sealed: Uint8Array, of: string): Promise<Buffer> {
    const id = keyIdOf(sealed);
    const key = this.#arrived.get(id) ?? (await this.#keyOf(id));
    if (!key) throw new KeyDestroyedError(of);
    return decrypt(key, sealed.subarray(ID_BYTES), of);
  }

  /** The same with a key that is in memory; null if it is not. */
  openNow(sealed: Uint8Array, of: string): Buffer | null {
    const key = this.#arrived.get(keyIdOf(sealed));
    return key ? decrypt(key, sealed.subarray(ID_BYTES), of) : null;
  }

  /** Forgets all keys, and whose drafts are whose: a listener was erased, or has become another. */
  forget(): void {
    for (const cache of [this.#asked, this.#arrived, this.#current, this.#owners]) cache.clear();
  }

  /** @throws StartupError if any data key is wrapped with a master key that is not given ([SEAL3]) */
  async checkMasters(): Promise<void> {
    const used = await this.#sql<{ master: string }[]>`select distinct master from data_keys order by master`;
    const missing = used.map(({ master }) => master).filter((master) => !this.#masters?.has(master));
    if (missing.length > 0) throw missingMaster(missing);
  }

  async #sealerOf(table: OwnedTable, id: string): Promise<Sealer | null> {
    if (!this.#masters) return null;
    const known = this.#owners.get(id);
    if (known !== undefined) {
      try {
        return await this.sealerOf(known);
      } catch {
        // What is a visitor's may have become an account's, or its listener been erased: the append must not fail for it.
        this.#owners.delete(id);
      }
    }
    const owner = await this.#findOwner(table, id);
    return owner === null ? null : this.sealerOf(owner);
  }

  #remembered(listenerId: number, masters: MasterKeys): Promise<DataKey> {
    const key = this.#findOrMake(listenerId, masters);
    this.#current.set(listenerId, key);
    key.catch(() => this.#current.delete(listenerId));
    return key;
  }

  async #findOrMake(listenerId: number, masters: MasterKeys): Promise<DataKey> {
    const [found] = await this.#sql<(WrappedKey & { id: number })[]>`
      select id::float8 as id, master, wrapped from data_keys where listener_id = ${listenerId} order by id limit 1`;
    const { id, key } = found
      ? { id: found.id, key: masters.unwrap(found, found.id) }
      : await this.#make(listenerId, masters);
    this.#arrived.set(id, key);
    return { id, key };
  }

  /** Of two nodes that make one at once both keep theirs: what is encrypted names its key. */
  async #make(listenerId: number, masters: MasterKeys): Promise<DataKey> {
    const [next] = await this.#sql<{ id: number }[]>`
      select nextval(pg_get_serial_sequence('data_keys', 'id'))::float8 as id`;
    if (!next) throw new Error('a sequence has a next number');
    const key = randomBytes(KEY_BYTES);
    const { master, wrapped } = masters.wrap(key, next.id);
    await this.#sql`
      insert into data_keys (id, listener_id, master, wrapped) overriding system value
      values (${next.id}, ${listenerId}, ${master}, ${wrapped})`;
    return { id: next.id, key };
  }

  async #findOwner(table: OwnedTable, id: string): Promise<number | null> {
    const [row] = await this.#sql<{ owner: number }[]>`
      select listener_id::float8 as owner from ${this.#sql(table)} where id = ${id}`;
    if (row) this.#owners.set(id, row.owner);
    return row?.owner ?? null;
  }

  async #keyOf(id: number): Promise<Buffer | null> {
    const asked = this.#asked.get(id) ?? this.#lookups.submit(id);
    this.#asked.set(id, asked);
    try {
      const key = await asked;
      if (key && this.#asked.get(id) === asked) this.#arrived.set(id, key);
      return key;
    } finally {
      this.#asked.delete(id);
    }
  }

  async #select(ids: readonly number[]): Promise<(Buffer | null)[]> {
    const masters = this.#masters;
    const rows = await this.#sql<(WrappedKey & { id: number })[]>`
      select id::float8 as id, master, wrapped from data_keys where id = any(${`{${ids.join(',')}}`}::bigint[])`;
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => {
      const row = byId.get(id);
      if (row && !masters) throw missingMaster([row.master]);
      return row && masters ? masters.unwrap(row, id) : null;
    });
  }
}

function keyIdOf(sealed: Uint8Array): number {
  if (sealed.length < ID_BYTES) return 0;
  return Buffer.from(sealed.buffer, sealed.byteOffset, ID_BYTES).readUIntBE(0, ID_BYTES);
}
