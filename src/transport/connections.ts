import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionLimits } from '../config.ts';
import type { Logger } from '../lib/log.ts';

/** Heartbeats in which some of an answer must have been taken, and in which all of it must have been. */
const STALLED_BEATS = 2;
const LONGEST_BEATS = 20;

export interface ConnectionOptions {
  limits: Pick<ConnectionLimits, 'heartbeatMs' | 'operations'>;
  log: Logger;
}

/** What every connection is subject to, whatever is spoken on it. */
export class Connections {
  readonly #limits: ConnectionOptions['limits'];
  readonly #log: Logger;
  /** What is to be served next on a connection, once what is being served is answered. */
  readonly #waiting = new Map<Socket, (() => void)[]>();

  constructor(server: Server, { limits, log }: ConnectionOptions) {
    this.#limits = limits;
    this.#log = log;
    server.on('connection', (socket: Socket) => this.#hear(socket));
    server.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
      response.once('prefinish', () => this.#watch(response));
    });
  }

  /** Whether the connection's turn has come for another protocol: nothing asked before is still to be answered on it. */
  isIdle(socket: Socket): boolean {
    return !this.#waiting.has(socket);
  }

  /**
   * Serves the requests of one connection one after the other, as their answers leave, and others in between. They may be sent
   * without waiting for answers, but not without end ([EDGE2]).
   */
  serve({ socket }: IncomingMessage, response: ServerResponse, act: () => void): void {
    // Cut meanwhile, with what it had sent still to be gone through.
    if (socket.destroyed) return;
    const waiting = this.#waiting.get(socket);
    response.once('close', () => this.#goOn(socket));
    if (!waiting) {
      this.#waiting.set(socket, []);
      act();
    } else if (waiting.push(act) >= this.#limits.operations)
      this.#cut(socket, 'has more requests unanswered than it may');
  }

  #goOn(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift();
    if (next) setImmediate(() => (socket.destroyed ? undefined : next()));
    else this.#waiting.delete(socket);
  }

  /** From its first moment to its last: that a connection breaks is told here, once, and is nobody's failure ([EDGE1]). */
  #hear(socket: Socket): void {
    // One whose upgrade was ignored comes a second time.
    if (socket.listeners('error').includes(this.#broke)) return;
    socket.on('error', this.#broke);
  }

  readonly #broke = (error: NodeJS.ErrnoException): void => {
    this.#log.debug({ code: error.code ?? error.message }, 'A connection broke');
  };

  /** Called when all of an answer has been written: mostly it has left by then, and there is nothing to wait for. */
  #watch(response: ServerResponse): void {
    const { socket } = response;
    if (!socket || socket.writableLength === 0) return;
    const cut = (): void => this.#cut(socket, 'takes nothing of its answer');
    const { heartbeatMs } = this.#limits;
    let beats = 0;
    const beat = (): void => {
      if (++beats > LONGEST_BEATS) cut();
      // What is asked for behind it, and answered meanwhile, takes the connection's timeout away.
      else if (socket.timeout !== STALLED_BEATS * heartbeatMs) socket.setTimeout(STALLED_BEATS * heartbeatMs);
    };
    const timer = setInterval(beat, heartbeatMs).unref();
    response.once('close', () => clearInterval(timer));
    // Progress within one large write counts: Node.js looks for it before it tells of a timeout.
    response.setTimeout(STALLED_BEATS * heartbeatMs, cut);
  }

  #cut(socket: Socket, why: string): void {
    if (socket.destroyed) return;
    this.#log.debug({ peer: socket.remoteAddress, why }, 'A connection was terminated');
    socket.destroy();
  }
}
