import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { Lifetime } from '../../lib/lifetime.ts';
import type { Logger } from '../../lib/log.ts';
import { Turns } from '../../lib/turns.ts';
import type { Credentials, Identity } from '../identity.ts';
import { releaseWhenClosed } from '../rates/open-connections.ts';
import { textFrame } from './frame.ts';

/** Close codes of RFC 6455 that are not part of the GraphQL protocol. */
export const GOING_AWAY = 1001;
export const TRY_AGAIN_LATER = 1013;
/** Maximum length of a close frame's reason in bytes. */
const LONGEST_REASON = 123;

interface Operation {
  id: string;
  lifetime: Lifetime;
  isHeld: boolean;
}

/** One WebSocket: its identity, the data sent to it, and whether it accepts that data. */
export class Peer {
  readonly socket: WebSocket;
  /**
   * The stream that `ws` writes to. It writes each frame at once and as a whole, so our own frames can go between them.
   */
  readonly #stream: Duplex;
  readonly #headers: Credentials;
  /** The address that its connection counts for. */
  readonly address: string;
  identity: Identity | null = null;
  /** Gives its operations turns, because many may arrive at once. */
  readonly turns = new Turns();
  /** Running operations by the message that started them. The id is no key, because a new operation may reuse it. */
  readonly #operations = new Map<object, Operation>();
  #alive = true;
  /** Whether the buffer has been full since the previous heartbeat. */
  #stalled = false;
  #drained: Promise<void> | null = null;

  constructor(socket: WebSocket, stream: Duplex, { headers }: IncomingMessage, address: string) {
    this.socket = socket;
    this.#stream = stream;
    this.address = address;
    this.#headers = {
      authorization: text(headers.authorization),
      listenerId: text(headers['x-listener-id']),
      origin: text(headers.origin),
    };
    // All that arrives is a sign of life. A pong is told of later, behind the messages that arrived before it.
    stream.on('data', () => (this.#alive = true));
    socket.once('close', () => {
      for (const { lifetime } of this.#operations.values()) lifetime.leave();
    });
  }

  /** Browsers cannot set headers on a WebSocket, so the credentials may also be connection parameters. */
  credentials(params: Record<string, unknown>): Credentials {
    const named = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
    return {
      authorization: text(named.get('authorization')) ?? this.#headers.authorization,
      origin: this.#headers.origin,
      listenerId: text(named.get('x-listener-id')) ?? text(named.get('listenerid')) ?? this.#headers.listenerId,
    };
  }

  /** @returns the operation's lifetime. It ends when either side completes the operation or the connection is lost. */
  begin(message: object, id: string): Lifetime {
    const lifetime = new Lifetime();
    this.#operations.set(message, { id, lifetime, isHeld: false });
    return lifetime;
  }

  /** Marks an operation whose answer a shutdown waits for. It does not wait for subscriptions. */
  hold(message: object): void {
    const operation = this.#operations.get(message);
    if (operation) operation.isHeld = true;
  }

  end(message: object): void {
    this.#operations.delete(message);
  }

  /** The peer no longer waits for the operation with this id. */
  leave(id: string): void {
    for (const [message, operation] of this.#operations) {
      if (operation.id !== id) continue;
      this.end(message);
      operation.lifetime.leave();
    }
  }

  /** Number of operations whose end nobody waits for. */
  get subscriptions(): number {
    return [...this.#operations.values()].filter(({ isHeld }) => !isHeld).length;
  }

  /** Whether a query or a mutation is running. */
  get isBusy(): boolean {
    return [...this.#operations.values()].some(({ isHeld }) => isHeld);
  }

  whenClosed(act: () => void): void {
    releaseWhenClosed(this.#stream, act);
  }

  /** Resolves when the data has been sent, or when the connection is gone, which is reported elsewhere. */
  send(data: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOpen) this.socket.send(data, () => resolve());
      else resolve();
    });
  }

  pong(data: Buffer): void {
    this.socket.pong(data, false, () => undefined);
  }

  /** Sends a message whose second part is shared with other peers. @returns false if the connection is gone */
  sendParts(own: Buffer, shared: Buffer): boolean {
    if (!this.isOpen) return false;
    this.#stream.write(textFrame(own, shared));
    return true;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Whether the unsent data has reached its limit. Nothing more should be sent before `drained` resolves. */
  get isFull(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** Whether messages of the peer wait to be handled, so that nothing more is read from it. */
  get #isBehind(): boolean {
    return this.#stream.isPaused();
  }

  /**
   * Resolves when all data has been accepted or the socket has closed. All subscriptions of the socket share one wait.
   */
  drained(): Promise<void> {
    return (this.#drained ??= new Promise((resolve) => {
      const settle = (): void => {
        this.#stream.off('drain', settle).off('close', settle);
        this.#drained = null;
        this.#stalled = false;
        // The peer was not read from while it accepted no data, so its pong may still be on the way.
        this.#alive = true;
        resolve();
      };
      this.#stream.on('drain', settle).on('close', settle);
    }));
  }

  close(code: number, reason: string): void {
    this.socket.close(code, shorten(reason));
  }

  /**
   * Sends a ping. A peer that has shown no sign of life since the previous heartbeat is disconnected. A reader that has
   * accepted no data since then is closed with a reason: it can return with its cursor at any time ([SERVE6]).
   */
  beat(log: Logger): void {
    if (!this.isOpen) return;
    if (this.isFull && (this.#stalled || !this.#alive)) {
      this.close(TRY_AGAIN_LATER, 'No data accepted for two heartbeats; reconnect with your cursor');
      log.info(
        { listener: this.identity?.viewer.listener.id },
        'Closed the connection of a reader that accepts no data',
      );
    } else if (this.#alive || this.#isBehind) {
      this.#alive = false;
      this.#stalled = this.isFull;
      this.socket.ping();
    } else this.socket.terminate();
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

function shorten(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= LONGEST_REASON
    ? reason
    : `${bytes
        .subarray(0, LONGEST_REASON - 3)
        .toString()
        .replace(/\uFFFD+$/, '')}…`;
}
