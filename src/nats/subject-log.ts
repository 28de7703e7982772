import { jetstream, jetstreamManager, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager, MsgRequest, StoredMsg } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '../lib/errors.ts';

/** A message as the stream keeps it: `place` is its sequence number in the whole stream, of all subjects. */
export interface Kept {
  place: number;
  data: unknown;
}

export interface SubjectLogOptions {
  url: string;
  /** Copies of every message on different servers; 3 in production. */
  replicas: number;
  /** Name of the stream and first part of its subjects. */
  stream: string;
}

/** Long enough for a leader to be elected. */
const TIMEOUT_MS = 5_000;

/** A subject's last message is not the one that was expected: somebody else has written. */
export class WrongPlaceError extends Error {}

/** Logs in one JetStream stream, a subject each. Reads go to the stream's leader, so that what was acknowledged is seen. */
export class SubjectLog implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #stream: string;

  private constructor(connection: NatsConnection, manager: JetStreamManager, stream: string) {
    this.#connection = connection;
    this.#manager = manager;
    this.#client = jetstream(connection, { timeout: TIMEOUT_MS });
    this.#stream = stream;
  }

  /** Makes the stream when it is not there. @throws StartupError */
  static async open({ url, replicas, stream }: SubjectLogOptions): Promise<SubjectLog> {
    let connection: NatsConnection | null = null;
    try {
      connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 500, name: 'cadenza' });
      const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
      await manager.streams.add({ name: stream, subjects: [`${stream}.*`], num_replicas: replicas });
      return new SubjectLog(connection, manager, stream);
    } catch (error) {
      await connection?.close();
      throw startupError(error, url);
    }
  }

  /**
   * @param after the subject's last message, 0 for none
   * @param id of two messages with the same one within two minutes the second is not kept
   * @throws WrongPlaceError
   */
  async append(subject: string, data: unknown, { after, id }: { after: number; id: string }): Promise<number> {
    try {
      const options = { msgID: id, expect: { lastSubjectSequence: after } };
      return (await this.#client.publish(`${this.#stream}.${subject}`, JSON.stringify(data), options)).seq;
    } catch (error) {
      if (hasCode(error, JetStreamApiCodes.StreamWrongLastSequence)) throw new WrongPlaceError(subject);
      throw error;
    }
  }

  last(subject: string): Promise<Kept | null> {
    return this.#get({ last_by_subj: `${this.#stream}.${subject}` });
  }

  /** The subject's first message at a place or beyond it. */
  next(subject: string, from: number): Promise<Kept | null> {
    // The server has known this form since 2.9; the client's types have it for reads from replicas alone.
    const query = { next_by_subj: `${this.#stream}.${subject}`, seq: from } as unknown as MsgRequest;
    return this.#get(query);
  }

  /** Removes the subject's messages up to a place. */
  async purge(subject: string, upTo: number): Promise<void> {
    await this.#manager.streams.purge(this.#stream, { filter: `${this.#stream}.${subject}`, seq: upTo + 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  async #get(query: MsgRequest): Promise<Kept | null> {
    try {
      const message = await this.#manager.streams.getMessage(this.#stream, query);
      return message && keptOf(message);
    } catch (error) {
      if (hasCode(error, JetStreamApiCodes.NoMessageFound)) return null;
      throw error;
    }
  }
}

const keptOf = (message: StoredMsg): Kept => ({ place: message.seq, data: message.json() });

const hasCode = (error: unknown, code: number): boolean => error instanceof JetStreamApiError && error.code === code;

function startupError(error: unknown, url: string): StartupError {
  const reason = error instanceof Error ? error.message : String(error);
  const { host } = new URL(url);
  return new StartupError(
    `NATS at ${host} cannot be used (${reason}). Is it running with JetStream (nats-server --jetstream), with as many servers ` +
      'as CADENZA_NATS_REPLICAS says?',
  );
}
