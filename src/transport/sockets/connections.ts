import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionLimits } from '../../config.ts';
import type { Logger } from '../../lib/log.ts';

/**
 * An answer is terminated if none of it is accepted for STALLED_BEATS heartbeats, or not all of it within
 * LONGEST_BEATS.
 */
const STALLED_BEATS = 2;
const LONGEST_BEATS = 20;

export interface ConnectionOptions {
  limits: Pick<ConnectionLimits, 'heartbeatMs' | 'operations'>;
  log: Logger;
}

/** The rules for every connection, whatever its protocol. */
export class Connections {
  readonly #limits: ConnectionOptions['limits'];
  readonly #log: Logger;
  /** The requests of each connection that wait until the current one has been answered. */
  readonly #waiting = new Map<Socket, (() => void)[]>();

  constructor(server: Server, { limits, log }: ConnectionOptions) {
    this.#limits = limits;
    this.#log = log;
    server.on('connection', (socket: Socket) => this.#hear(socket));
    server.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
      response.once('prefinish', () => this.#watch(response));
    });
  }

  /** Whether no earlier request on the connection is still unanswered, so that it can switch to another protocol. */
  isIdle(socket: Socket): boolean {
    return !this.#waiting.has(socket);
  }

  /**
   * Serves the requests of one connection one after the other. A client may send requests without waiting for the
   * answers, but only a limited number of them ([EDGE2]).
   */
  serve({ socket }: IncomingMessage, response: ServerResponse, act: () => void): void {
    // The connection was terminated while requests that it had sent were still waiting.
    if (socket.destroyed) return;
    const waiting = this.#waiting.get(socket);
    response.once('close', () => this.#goOn(socket));
    if (!waiting) {
      this.#waiting.set(socket, []);
      act();
    } else if (waiting.push(act) >= this.#limits.operations) this.#cut(socket, 'has too many unanswered requests');
  }

  #goOn(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift();
    if (next) setImmediate(() => (socket.destroyed ? undefined : next()));
    else this.#waiting.delete(socket);
  }

  /**
   * Handles the errors of a connection during its whole life: a broken connection is logged once and is no failure of
   * the server ([EDGE1]).
   */
  #hear(socket: Socket): void {
    // A connection whose upgrade was ignored is emitted a second time.
    if (socket.listeners('error').includes(this.#broke)) return;
    socket.on('error', this.#broke);
  }

  readonly #broke = (error: NodeJS.ErrnoException): void => {
    this.#log.debug({ code: error.code ?? error.message }, 'A connection broke');
  };

  /** Called when an answer has been written completely. Usually it has left by then and there is nothing to watch. */
  #watch(response: ServerResponse): void {
    const { socket } = response;
    if (!socket || socket.writableLength === 0) return;
    const cut = (): void => this.#cut(socket, 'accepts no data of its answer');
    const { heartbeatMs } = this.#limits;
    let beats = 0;
    const beat = (): void => {
      if (++beats > LONGEST_BEATS) cut();
      // Answering a later request on the connection resets its timeout.
      else if (socket.timeout !== STALLED_BEATS * heartbeatMs) socket.setTimeout(STALLED_BEATS * heartbeatMs);
    };
    const timer = setInterval(beat, heartbeatMs).unref();
    response.once('close', () => clearInterval(timer));
    // Progress within one large write counts: Node.js checks for it before it emits `timeout`.
    response.setTimeout(STALLED_BEATS * heartbeatMs, cut);
  }

  #cut(socket: Socket, why: string): void {
    if (socket.destroyed) return;
    this.#log.debug({ peer: socket.remoteAddress, why }, 'A connection was terminated');
    socket.destroy();
  }
}
