import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { retry } from '../lib/async/retry.ts';
import { LocalWakeups, type Wakeups } from '../lib/async/wakeups.ts';
import type { Logger } from '../lib/log.ts';
import { parseStoredJson } from '../lib/stored-data.ts';
import type { Database } from './client.ts';

const CHANNEL = 'cadenza_wakeups';
/** The sender, and the keys that it wakes. */
const message = z.tuple([z.string()], z.string());
const BACKOFF = { firstMs: 1_000, longestMs: 1_000 };
/** PostgreSQL accepts payloads of less than 8,000 bytes. */
const MOST_BYTES = 7_900;

/**
 * Wake-ups among all processes on one database, with NOTIFY on one channel. In its own process a wake-up does not wait
 * for the database; other processes get it when it has been sent. When the listening connection is lost and established
 * again, everybody is woken, because it is unknown what was missed ([WAKE3]).
 */
export async function openWakeups(database: Database, log: Logger): Promise<Wakeups & AsyncDisposable> {
  const local = new LocalWakeups();
  const origin = randomUUID();
  const outbox = new Outbox(database, origin, log);
  const onMessage = (payload: string): void => {
    try {
      const [from, ...keys] = parseStoredJson(message, payload, 'a wake-up');
      if (from !== origin) for (const key of keys) local.wake(key);
    } catch (error) {
      log.warn({ err: error }, 'Another process sent what is no wake-up');
    }
  };
  const listening = await database.listen(CHANNEL, onMessage, () => local.wakeAll());
  return {
    wake: (key) => {
      local.wake(key);
      outbox.add(key);
    },
    wakeHere: (key) => local.wake(key),
    watch: (key, signal) => local.watch(key, signal),
    changes: (key, signal) => local.changes(key, signal),
    [Symbol.asyncDispose]: async () => {
      await outbox[Symbol.asyncDispose]();
      await listening.unlisten().catch(() => undefined);
    },
  };
}

/**
 * Keys that have not been sent to the other processes yet. One statement runs at a time and takes all keys that arrived
 * meanwhile, so a busy key costs at most one statement per round trip. Keys that could not be sent are kept.
 */
class Outbox implements AsyncDisposable {
  readonly #database: Database;
  readonly #origin: string;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #keys = new Set<string>();
  #sending: Promise<void> | null = null;

  constructor(database: Database, origin: string, log: Logger) {
    this.#database = database;
    this.#origin = origin;
    this.#log = log;
  }

  add(key: string): void {
    this.#keys.add(key);
    this.#sending ??= this.#drain();
  }

  #drain(): Promise<void> {
    const onFailure = (error: unknown): void =>
      this.#log.warn({ err: error, keys: this.#keys.size }, 'Other processes could not be woken; trying again');
    const { signal } = this.#closing;
    return retry(() => this.#sendAll(), { backoff: BACKOFF, signal, onFailure }).catch(() => undefined);
  }

  async #sendAll(): Promise<void> {
    while (this.#keys.size > 0) {
      const keys = [...this.#keys];
      this.#keys.clear();
      try {
        await this.#notify(keys);
      } catch (error) {
        for (const key of keys) this.#keys.add(key);
        throw error;
      }
    }
    // In the same turn as the last check for keys, so that none is added in between and forgotten.
    this.#sending = null;
  }

  async #notify(keys: readonly string[]): Promise<void> {
    const list = JSON.stringify(packed(this.#origin, keys));
    await this.#database
      .sql`select pg_notify(${CHANNEL}, payload) from jsonb_array_elements_text(${list}::jsonb) as payloads (payload)`;
  }

  /** Waits for the running statement, but not for an unavailable database: its other clients wake when it returns. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }
}

/** The sender and as many keys as fit into a payload. A step of hundreds of drafts is one or two messages. */
function packed(origin: string, keys: readonly string[]): string[] {
  const payloads: string[][] = [];
  let room = 0;
  for (const key of keys) {
    const bytes = Buffer.byteLength(JSON.stringify(key)) + 1;
    if (room < bytes) {
      payloads.push([origin]);
      room = MOST_BYTES - origin.length;
    }
    payloads.at(-1)?.push(key);
    room -= bytes;
  }
  return payloads.map((payload) => JSON.stringify(payload));
}
