import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { jetstream, JetStreamApiCodes, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ServiceUnavailableError, StartupError } from '../lib/errors.ts';
import { type FeedOptions, type Kept, SubjectFeed } from './subject-feed.ts';

export interface SubjectLogOptions<Data> {
  url: string;
  /** Number of servers that keep a copy of every message; 3 in production. */
  replicas: number;
  /** The stream's name and the first part of its subjects. */
  stream: string;
  /** What the JSON of a message says. @throws when it is not what is written there */
  decode: (json: string) => Data;
}

/** Long enough for the election of a leader. */
const TIMEOUT_MS = 5_000;
/** After this many unanswered pings the connection is considered lost and established again. */
const PINGS = { pingInterval: 2_000, maxPingOut: 2 };

/** The subject's last message is not the expected one, because another writer has appended. */
export class WrongSequenceError extends Error {}

/**
 * Logs in one JetStream stream, one subject each. Reads go to the stream's leader, so that acknowledged messages are
 * seen.
 */
export class SubjectLog<Data> implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #stream: string;
  readonly #decode: (json: string) => Data;
  /** Aborts when the connection is lost. */
  #lost = newSignal();
  #isAway = false;
  /** What to do for each question that has no answer yet when the connection is lost. */
  readonly #giveUp = new Set<() => void>();

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    { stream, decode }: Pick<SubjectLogOptions<Data>, 'stream' | 'decode'>,
  ) {
    this.#connection = connection;
    this.#manager = manager;
    this.#client = jetstream(connection, { timeout: TIMEOUT_MS });
    this.#stream = stream;
    this.#decode = decode;
    void this.#watchConnection();
  }

  /** Creates the stream if it does not exist. @throws StartupError */
  static async open<Data>(options: SubjectLogOptions<Data>): Promise<SubjectLog<Data>> {
    const { url, replicas, stream } = options;
    let connection: NatsConnection | null = null;
    try {
      connection = await connect({
        servers: url,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 500,
        name: 'cadenza',
        ...PINGS,
      });
      const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
      await manager.streams.add({ name: stream, subjects: [`${stream}.*`], num_replicas: replicas });
      return new SubjectLog(connection, manager, options);
    } catch (error) {
      await connection?.close();
      throw unusableNats(error, url);
    }
  }

  /**
   * @param after the sequence number of the subject's last message, 0 if there is none
   * @param id a second message with this id within two minutes is not stored
   * @throws WrongSequenceError
   */
  async append(subject: string, data: Data, { after, id }: { after: number; id: string }): Promise<number> {
    const options = { msgID: id, expect: { lastSubjectSequence: after } };
    try {
      const publish = () => this.#client.publish(`${this.#stream}.${subject}`, JSON.stringify(data), options);
      return (await this.#ask(publish)).seq;
    } catch (error) {
      if (hasCode(error, JetStreamApiCodes.StreamWrongLastSequence)) throw new WrongSequenceError(subject);
      throw error;
    }
  }

  async last(subject: string): Promise<Kept<Data> | null> {
    const message = await this.#last(subject);
    return message && { streamSequence: message.seq, data: this.#decode(message.string()) };
  }

  /** The stream sequence of its last message, whatever that says; 0 if there is none. */
  async lastSequence(subject: string): Promise<number> {
    return (await this.#last(subject))?.seq ?? 0;
  }

  /**
   * The subject's messages from one sequence number to another, both inclusive, as far as they still exist; at most
   * `most`.
   */
  async range(subject: string, from: number, to: number, most: number): Promise<Kept<Data>[]> {
    const messages = await this.#collect(subject, from, to, most);
    const isWhole = messages.length === most || (messages.at(-1)?.streamSequence ?? 0) >= to;
    // Messages were removed in the meantime, or the server that was asked is behind and must not be relied on.
    if (!isWhole && (await this.lastSequence(subject)) >= to) throw unavailable();
    return messages;
  }

  #collect(subject: string, from: number, to: number, most: number): Promise<Kept<Data>[]> {
    return new Promise((resolve, reject) => {
      const messages: Kept<Data>[] = [];
      const finish = (): void => {
        resolve(messages);
        following.then(
          (feed) => feed.stop(),
          () => undefined,
        );
      };
      const onMessage = (message: Kept<Data>, pending: number): void => {
        // More messages than requested may be on their way.
        if (messages.length === most) return;
        if (messages.push(message) === most || message.streamSequence >= to || pending === 0) finish();
      };
      const onEnd = (error?: Error): void => reject(error ?? unavailable());
      const following = this.follow(subject, from, { onMessage, onEnd });
      following.then(({ isEmpty }) => (isEmpty ? finish() : undefined), reject);
    });
  }

  /** Delivers the subject's messages from a sequence number on: existing and new ones, until the feed ends. */
  async follow(
    subject: string,
    from: number,
    handlers: Pick<FeedOptions<Data>, 'onMessage' | 'onEnd'>,
  ): Promise<Pick<SubjectFeed<Data>, 'stop' | 'isEmpty'>> {
    const source = { stream: this.#stream, subject: `${this.#stream}.${subject}`, from: Math.max(1, from) };
    const options = { ...source, ...handlers, decode: this.#decode, lost: this.#lost.signal };
    return this.#ask(() => SubjectFeed.open(this.#connection, this.#manager, options));
  }

  /** Removes the subject's messages up to a sequence number. */
  async purge(subject: string, upTo: number): Promise<void> {
    const options = { filter: `${this.#stream}.${subject}`, seq: upTo + 1 };
    await this.#ask(() => this.#manager.streams.purge(this.#stream, options));
  }

  /** Removes the stream with all logs. */
  async removeAll(): Promise<void> {
    await this.#ask(() => this.#manager.streams.delete(this.#stream));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  /** Whether the server answers, and within that time. */
  answersWithin(ms: number): Promise<boolean> {
    const answered = this.#connection.rtt().then(
      () => true,
      () => false,
    );
    return Promise.race([answered, delay(ms, false, { ref: false })]);
  }

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'reconnect') this.#isAway = false;
      if (type !== 'disconnect') continue;
      this.#isAway = true;
      this.#lost.abort();
      this.#lost = newSignal();
      for (const giveUp of this.#giveUp) giveUp();
    }
  }

  /**
   * Fails as soon as the connection is lost, and at once until there is another: the client would wait for an answer to
   * what was lost, and callers try again anyway.
   */
  async #ask<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#isAway) throw unavailable();
    let giveUp = (): void => undefined;
    const lost = new Promise<never>((_resolve, reject) => (giveUp = () => reject(unavailable())));
    this.#giveUp.add(giveUp);
    try {
      return await Promise.race([explained(call), lost]);
    } finally {
      this.#giveUp.delete(giveUp);
    }
  }

  async #last(subject: string): Promise<StoredMsg | null> {
    const query = { last_by_subj: `${this.#stream}.${subject}` };
    try {
      return await this.#ask(() => this.#manager.streams.getMessage(this.#stream, query));
    } catch (error) {
      if (hasCode(error, JetStreamApiCodes.NoMessageFound)) return null;
      throw error;
    }
  }
}

const hasCode = (error: unknown, code: number): boolean => error instanceof JetStreamApiError && error.code === code;

function newSignal(): AbortController {
  const lost = new AbortController();
  // Each feed adds a listener. Many listeners are not a leak here.
  setMaxListeners(0, lost.signal);
  return lost;
}

/** Translates failures: if NATS could not be reached or did not answer, the same call may succeed later. */
async function explained<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    const isTheAnswer = error instanceof JetStreamApiError && error.status < 500;
    throw isTheAnswer ? error : unavailable(error);
  }
}

function unavailable(cause?: unknown): ServiceUnavailableError {
  const error = new ServiceUnavailableError('The drafts’ log is unavailable at the moment. Try again shortly.');
  error.cause = cause;
  return error;
}

export function unusableNats(error: unknown, url: string): StartupError {
  const reason = error instanceof Error ? error.message : String(error);
  const { host } = new URL(url);
  return new StartupError(
    `NATS at ${host} cannot be used (${reason}). Is it running with JetStream (nats-server --jetstream) and with the number of servers ` +
      'in CADENZA_NATS_REPLICAS?',
  );
}
