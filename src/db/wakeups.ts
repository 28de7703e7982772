import { randomUUID } from 'node:crypto';
import { retry } from '../lib/async/retry.ts';
import { LocalWakeups, type Wakeups } from '../lib/async/wakeups.ts';
import type { Logger } from '../lib/log.ts';
import type { Database } from './client.ts';

const CHANNEL = 'cadenza_wakeups';
const BACKOFF = { firstMs: 1_000, longestMs: 1_000 };
/** PostgreSQL takes payloads of fewer than 8,000 bytes. */
const MOST_BYTES = 7_900;

/**
 * Wake-ups among all processes on one database, by NOTIFY on one channel. Within the process a wake-up does not wait for
 * the database; the others hear of it as soon as it has been told. When the listening connection is lost and found again,
 * everybody is woken, since nobody knows what was missed ([WAKE3]).
 */
export async function openWakeups(database: Database, log: Logger): Promise<Wakeups & AsyncDisposable> {
  const local = new LocalWakeups();
  const origin = randomUUID();
  const outbox = new Outbox(database, origin, log);
  const onMessage = (payload: string): void => {
    const [from, ...keys] = JSON.parse(payload) as [string, ...string[]];
    if (from !== origin) for (const key of keys) local.wake(key);
  };
  const listening = await database.listen(CHANNEL, onMessage, () => local.wakeAll());
  return {
    wake: (key) => {
      local.wake(key);
      outbox.add(key);
    },
    wakeHere: (key) => local.wake(key),
    watch: (key, signal) => local.watch(key, signal),
    [Symbol.asyncDispose]: async () => {
      await outbox[Symbol.asyncDispose]();
      await listening.unlisten().catch(() => undefined);
    },
  };
}

/**
 * Keys that the other processes have yet to hear of. One statement is under way at a time and takes all keys that came
 * meanwhile, so a busy key costs no more than a statement a round trip; keys that could not be told are kept.
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
    // In the same breath as the last look at the keys, so that none is added in between and forgotten.
    this.#sending = null;
  }

  async #notify(keys: readonly string[]): Promise<void> {
    const list = JSON.stringify(packed(this.#origin, keys));
    await this.#database
      .sql`select pg_notify(${CHANNEL}, payload) from jsonb_array_elements_text(${list}::jsonb) as payloads (payload)`;
  }

  /** What is under way is told; a database that is away is not waited for: its other clients will wake on its return. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }
}

/** The sender and as many keys as fit into a payload: a step of hundreds of drafts is one message or two. */
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
