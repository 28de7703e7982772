import { AckPolicy, DeliverPolicy, type JetStreamManager, ReplayPolicy } from '@nats-io/jetstream';
import { createInbox, type Msg, nanos, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { asError } from '../lib/errors.ts';

/** A message as the stream keeps it: its number is that in the whole stream, of all subjects. */
export interface Kept<Data> {
  streamSequence: number;
  data: Data;
}

export interface FeedOptions<Data> {
  stream: string;
  subject: string;
  /** The first sequence number to deliver. */
  from: number;
  /** @throws when it is not what is written there: that ends the feed */
  decode: (json: string) => Data;
  /** @param pending number of messages after this one. What it throws ends the feed */
  onMessage: (message: Kept<Data>, pending: number) => void;
  /** Called once unless the feed was stopped. Nothing more will be delivered. */
  onEnd: (error?: Error) => void;
  /** Aborts when the connection is lost, and messages with it. */
  lost: AbortSignal;
}

const HEARTBEAT_MS = 2_000;
/** The status of a message without content, which only shows that the server is still there. */
const IDLE = 100;

/**
 * A subject's messages, pushed by the server in order and without gaps. In doubt (a gap, no heartbeat, a lost
 * connection) it ends: the reader knows its position and starts another feed.
 */
export class SubjectFeed<Data> {
  readonly #manager: JetStreamManager;
  readonly #options: FeedOptions<Data>;
  readonly #subscription: Subscription;
  readonly #patience: NodeJS.Timeout;
  readonly #onLost = (): void => this.#end();
  /** Whether there were no messages at the start. */
  isEmpty = false;
  #consumer: string | null = null;
  #received = 0;
  #ended = false;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    inbox: string,
    options: FeedOptions<Data>,
  ) {
    this.#manager = manager;
    this.#options = options;
    const callback = (error: Error | null, message: Msg): void => (error ? this.#end() : this.#take(message));
    this.#subscription = connection.subscribe(inbox, { callback });
    this.#patience = setTimeout(() => this.#end(), 2 * HEARTBEAT_MS).unref();
    options.lost.addEventListener('abort', this.#onLost, { once: true });
  }

  static async open<Data>(
    connection: NatsConnection,
    manager: JetStreamManager,
    options: FeedOptions<Data>,
  ): Promise<SubjectFeed<Data>> {
    const inbox = createInbox();
    const feed = new SubjectFeed(connection, manager, inbox, options);
    try {
      const {
        name,
        num_pending: pending,
        delivered,
      } = await manager.consumers.add(options.stream, {
        ...{ deliver_subject: inbox, filter_subject: options.subject, ack_policy: AckPolicy.None },
        ...{ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: options.from },
        ...{ replay_policy: ReplayPolicy.Instant, idle_heartbeat: nanos(HEARTBEAT_MS) },
        // The consumer is ephemeral: it goes with its process, and nothing of it is worth keeping.
        ...{ inactive_threshold: nanos(5 * HEARTBEAT_MS), num_replicas: 1, mem_storage: true },
      });
      feed.#consumer = name;
      // Messages that were already sent may no longer be pending without having arrived.
      feed.isEmpty = pending + delivered.consumer_seq === 0;
      if (feed.#ended) feed.#remove();
      return feed;
    } catch (error) {
      feed.stop();
      throw error;
    }
  }

  /** Ends the feed without calling `onEnd`. */
  stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#patience);
    this.#options.lost.removeEventListener('abort', this.#onLost);
    this.#subscription.unsubscribe();
    this.#remove();
  }

  #take(message: Msg): void {
    if (this.#ended) return;
    this.#patience.refresh();
    if (message.headers?.code === IDLE) {
      if (Number(message.headers.get('Nats-Last-Consumer')) > this.#received) this.#end();
      return;
    }
    const { streamSequence, nth, pending } = whereOf(message);
    if (nth === ++this.#received) this.#tell(streamSequence, message.string(), pending);
    else this.#end();
  }

  /** What is thrown here would end the connection's reading, and with it every other feed. */
  #tell(streamSequence: number, json: string, pending: number): void {
    const { decode, onMessage } = this.#options;
    try {
      onMessage({ streamSequence, data: decode(json) }, pending);
    } catch (error) {
      this.#end(asError(error));
    }
  }

  #end(error?: Error): void {
    if (this.#ended) return;
    this.stop();
    this.#options.onEnd(error);
  }

  #remove(): void {
    const [name, { stream }] = [this.#consumer, this.#options];
    // If that fails, the server removes the consumer once nobody reads from it.
    if (name !== null) this.#manager.consumers.delete(stream, name).catch(() => undefined);
  }
}

/** From the subject that an acknowledgement would go to: `$JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.DELIVERED.STREAM_SEQUENCE.NTH.TIME.PENDING` */
function whereOf({ reply = '' }: Msg): { streamSequence: number; nth: number; pending: number } {
  const parts = reply.split('.');
  const from = parts.length > 9 ? 7 : 5;
  return { streamSequence: Number(parts[from]), nth: Number(parts[from + 1]), pending: Number(parts[from + 3]) };
}
