import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { Lifetime } from '../../lib/lifetime.ts';
import type { Logger } from '../../lib/log.ts';
import { Turns } from '../../lib/turns.ts';
import type { Credentials, Identity } from '../identity.ts';
import { releaseWhenClosed } from '../rates/places.ts';
import { textFrame } from './frame.ts';

/** Close codes of RFC 6455 beside those of the GraphQL protocol. */
export const GOING_AWAY = 1001;
export const TRY_AGAIN_LATER = 1013;
/** A close frame's reason may be 123 bytes long. */
const LONGEST_REASON = 123;

interface Operation {
  id: string;
  lifetime: Lifetime;
  isHeld: boolean;
}

/** One WebSocket: who is behind it, what is sent to it, and whether it takes that. */
export class Peer {
  readonly socket: WebSocket;
  /** What `ws` writes its frames to, each at once and whole, so that frames of ours may go between them. */
  readonly #stream: Duplex;
  readonly #headers: Credentials;
  /** Where it comes from, as it is counted. */
  readonly address: string;
  identity: Identity | null = null;
  /** Of its operations, of which many may come at once. */
  readonly turns = new Turns();
  /** What is under way, by the message that asked for it: an id may be that of another already. */
  readonly #operations = new Map<object, Operation>();
  #alive = true;
  /** Whether it has been full since the beat before. */
  #stalled = false;
  #drained: Promise<void> | null = null;

  constructor(socket: WebSocket, stream: Duplex, { headers }: IncomingMessage, address: string) {
    this.socket = socket;
    this.#stream = stream;
    this.address = address;
    this.#headers = { authorization: text(headers.authorization), listenerId: text(headers['x-listener-id']) };
    socket.on('pong', () => (this.#alive = true));
    socket.once('close', () => {
      for (const { lifetime } of this.#operations.values()) lifetime.leave();
    });
  }

  /** Browsers cannot set headers on a WebSocket, so the same facts may come as connection parameters. */
  credentials(params: Record<string, unknown>): Credentials {
    const named = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
    return {
      authorization: text(named.get('authorization')) ?? this.#headers.authorization,
      listenerId: text(named.get('x-listener-id')) ?? text(named.get('listenerid')) ?? this.#headers.listenerId,
    };
  }

  /** @returns how long it is worked on: until it is completed, by either side, or the connection has gone */
  begin(message: object, id: string): Lifetime {
    const lifetime = new Lifetime();
    this.#operations.set(message, { id, lifetime, isHeld: false });
    return lifetime;
  }

  /** Its answer is waited for when the server ends, unlike that of a subscription. */
  hold(message: object): void {
    const operation = this.#operations.get(message);
    if (operation) operation.isHeld = true;
  }

  end(message: object): void {
    this.#operations.delete(message);
  }

  /** The peer waits no more for what it asked for under this id. */
  leave(id: string): void {
    for (const [message, operation] of this.#operations) {
      if (operation.id !== id) continue;
      this.end(message);
      operation.lifetime.leave();
    }
  }

  /** Whether a query or a mutation is under way. */
  get isBusy(): boolean {
    return [...this.#operations.values()].some(({ isHeld }) => isHeld);
  }

  whenClosed(act: () => void): void {
    releaseWhenClosed(this.#stream, act);
  }

  /** Resolves when it has left for the network, or when there is nobody to send it to any more: that is told once, elsewhere. */
  send(data: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOpen) this.socket.send(data, () => resolve());
      else resolve();
    });
  }

  pong(data: Buffer): void {
    this.socket.pong(data, false, () => undefined);
  }

  /** Sends a message whose second part is shared with other peers. @returns false when there is nobody to send it to */
  sendParts(own: Buffer, shared: Buffer): boolean {
    if (!this.isOpen) return false;
    this.#stream.write(textFrame(own, shared));
    return true;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** As much waits to be taken as may: nothing more should be sent before it has `drained`. */
  get isFull(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** Resolves when all has been taken, or the socket has closed. One wait for all subscriptions of the socket. */
  drained(): Promise<void> {
    return (this.#drained ??= new Promise((resolve) => {
      const settle = (): void => {
        this.#stream.off('drain', settle).off('close', settle);
        this.#drained = null;
        this.#stalled = false;
        // While it did not take anything, it was not read from: its signs of life may still be on the way.
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
   * Asks for a sign of life. Who gave none since the beat before is cut off, and who has not taken what waits for it since
   * then is sent away: with its cursor it can come back at any time ([SERVE6]).
   */
  beat(log: Logger): void {
    if (!this.isOpen) return;
    if (this.isFull && (this.#stalled || !this.#alive)) {
      this.close(TRY_AGAIN_LATER, 'No data accepted for two heartbeats; reconnect with your cursor');
      log.info(
        { listener: this.identity?.viewer.listener.id },
        'Closed the connection of a reader that accepts no data',
      );
    } else if (this.#alive) {
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
