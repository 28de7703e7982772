import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import postgres from 'postgres';
import { systemSleep } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { isGone } from './failures.ts';

const ASK_MS = { usually: 500, away: 100 };
/** Looks at an answer that is due before it is held to be missing: 2 seconds with the pause before the question. */
const LOOKS = 3;
const LOOK_MS = 500;

/** Where the driver wants to connect to. */
type Address = Pick<postgres.ParsedOptions, 'host' | 'port' | 'path'>;
/** What keeps us from it; null when it answers. */
type Obstacle = Error | null;

/**
 * Whether the database is there, found out by asking it ([DB8]). One that refuses connections is known to the driver at once. One
 * that takes everything and answers nothing (stopped, or behind a network that swallows what it is given) is known to nobody:
 * whoever asked would wait for ever. Here its connections are then given up, and new ones fail until it answers again.
 *
 * A slow statement is none of this, since the question goes another way than the statement. Nor is a process that was held up
 * itself: what counts are looks, each a turn of the event loop apart.
 */
export class Pulse implements AsyncDisposable {
  readonly #url: string;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  readonly #lines = new Set<Socket>();
  #probe: Probe;
  #obstacle: Obstacle = null;

  constructor(url: string, log: Logger) {
    this.#url = url;
    this.#log = log;
    this.#probe = new Probe(url);
    this.#watching = this.#watch();
  }

  get isAway(): boolean {
    return this.#obstacle !== null;
  }

  /** What the driver connects by. */
  readonly open = (address: Address): Duplex => {
    if (this.#obstacle) return deadLine(this.#obstacle);
    for (const line of this.#lines) if (line.destroyed) this.#lines.delete(line);
    const line = dial(address);
    this.#lines.add(line);
    return line;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // Whatever it has asked is answered by that.
    await this.#probe.end();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#isClosing) {
      const first = await this.#ask();
      // A probe whose connection was ended for reasons of its own, as by an operator, finds out by its next try.
      const obstacle = first && !(first instanceof SilenceError) ? await this.#ask() : first;
      this.#conclude(obstacle);
      await systemSleep(this.isAway ? ASK_MS.away : ASK_MS.usually, this.#closing.signal).catch(() => undefined);
    }
    await this.#probe.end();
  }

  /** @returns null once it has answered */
  async #ask(): Promise<Obstacle> {
    const obstacle = await unlessSilent(this.#probe.ask());
    if (obstacle instanceof SilenceError) {
      await this.#probe.end();
      this.#probe = new Probe(this.#url);
    }
    return obstacle;
  }

  #conclude(obstacle: Obstacle): void {
    if (this.#isClosing) return;
    if (obstacle instanceof SilenceError) for (const line of this.#lines) line.destroy();
    if (obstacle && !this.#obstacle) this.#log.warn({ err: obstacle }, 'The database is away; waiting for it');
    if (!obstacle && this.#obstacle) this.#log.info('The database answers again');
    this.#obstacle = obstacle;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }
}

class SilenceError extends Error {
  readonly code = 'ETIMEDOUT';
  constructor() {
    super('The database takes everything and answers nothing');
  }
}

/** A connection that asks nothing but whether somebody is there. */
class Probe {
  readonly #driver: postgres.Sql;
  #line: Socket | null = null;

  constructor(url: string) {
    const socket = (address: Address): Socket => (this.#line = dial(address));
    const connection = { application_name: 'cadenza pulse' };
    this.#driver = postgres(url, { max: 1, fetch_types: false, backoff: () => 0.05, connection, ...{ socket } });
  }

  /** Never rejects. Too many connections or a wrong password are no obstacle: somebody was there to say so. */
  ask(): Promise<Obstacle> {
    return this.#driver`select 1`.then(
      () => null,
      (error: unknown) => (error instanceof Error && isGone(error) ? error : null),
    );
  }

  async end(): Promise<void> {
    await this.#driver.end({ timeout: 0 });
    this.#line?.destroy();
  }
}

/** The driver's own sockets would be out of our hands. Its handshake may go out at once: it waits for the connection. */
function dial({ host, port, path }: Address): Socket {
  if (path) return connect(path);
  const address = { host: host[0] ?? 'localhost', port: port[0] ?? 5432 };
  // For the name in its errors, and the one that a certificate has to be for.
  return Object.assign(connect(address), address);
}

/** On which nothing can be said: whoever tries fails as the probe did. */
function deadLine({ message, ...facts }: Error): Duplex {
  const broken = (): Error => Object.assign(new Error(message), facts);
  return new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(broken()) });
}

/** The answer, or that it has been looked for often enough. */
function unlessSilent(answer: Promise<Obstacle>): Promise<Obstacle> {
  let looks = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (++looks === LOOKS) settle(new SilenceError());
    }, LOOK_MS);
    const settle = (obstacle: Obstacle): void => {
      clearInterval(timer);
      resolve(obstacle);
    };
    void answer.then(settle);
  });
}
