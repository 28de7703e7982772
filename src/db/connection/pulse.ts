import type { Duplex } from 'node:stream';
import type postgres from 'postgres';
import { systemSleep } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { isGone } from '../failures.ts';
import { type DatabasePlace, openDriver } from './driver.ts';
import { deadLine } from './servers.ts';

const ASK_MS = { usually: 500, away: 100 };
/** Number of checks for an answer before it counts as missing: two seconds, with the pause before the question. */
const LOOKS = 3;
const LOOK_MS = 500;

/** Why the database cannot be used. Null if it answers. */
type Obstacle = Error | null;

/**
 * Detects whether the database answers, by asking it ([DB8]). If it refuses connections, the driver notices at once. If
 * it accepts everything but answers nothing (stopped, or behind a network that drops packets), nobody notices, and
 * callers would wait forever. In that case its connections are closed here, and new ones fail until it answers again.
 *
 * A slow statement does not count as silence, because the question uses another connection. Neither does a process that
 * was itself suspended: what counts is a number of checks, one per turn of the event loop.
 */
export class Pulse implements AsyncDisposable {
  readonly #place: DatabasePlace;
  readonly #log: Logger;
  readonly #onReturn: () => void;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  readonly #lines = new Set<Duplex>();
  #probe: Probe;
  #obstacle: Obstacle = null;

  /** @param onReturn called when it answers again, perhaps as it was in a backup */
  constructor(place: DatabasePlace, log: Logger, onReturn: () => void = () => undefined) {
    this.#place = place;
    this.#log = log;
    this.#onReturn = onReturn;
    this.#probe = new Probe(place);
    this.#watching = this.#watch();
  }

  get isAway(): boolean {
    return this.#obstacle !== null;
  }

  /** Opens the driver's connections. */
  readonly open = (): Duplex | Promise<Duplex> => {
    if (this.#obstacle) return deadLine(this.#obstacle);
    const line = this.#place.servers.open();
    return 'then' in line ? line.then(this.#keep) : this.#keep(line);
  };

  /** Number of open connections, the pulse's own included. */
  openLines(): number {
    for (const line of this.#lines) if (line.destroyed) this.#lines.delete(line);
    return this.#lines.size + 1;
  }

  readonly #keep = (line: Duplex): Duplex => {
    this.openLines();
    this.#lines.add(line);
    return line;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // Ending the probe settles whatever it has asked.
    await this.#probe.end();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#isClosing) {
      const first = await this.#ask();
      // The probe's connection may have been ended for another reason, for example by an operator. The next attempt
      // shows.
      const obstacle = first && !(first instanceof SilenceError) ? await this.#ask() : first;
      this.#conclude(obstacle);
      await systemSleep(this.isAway ? ASK_MS.away : ASK_MS.usually, this.#closing.signal).catch(() => undefined);
    }
    await this.#probe.end();
  }

  /** @returns null if the database answered */
  async #ask(): Promise<Obstacle> {
    const obstacle = await unlessSilent(this.#probe.ask());
    if (obstacle instanceof SilenceError) {
      await this.#probe.end();
      this.#probe = new Probe(this.#place);
    }
    return obstacle;
  }

  #conclude(obstacle: Obstacle): void {
    if (this.#isClosing) return;
    if (obstacle instanceof SilenceError) for (const line of this.#lines) line.destroy();
    if (obstacle && !this.#obstacle) this.#log.warn({ err: obstacle }, 'The database is unavailable; waiting for it');
    if (!obstacle && this.#obstacle) {
      this.#log.info('The database answers again');
      this.#onReturn();
    }
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

/** A connection that only asks whether the database answers. */
class Probe {
  readonly #driver: postgres.Sql;
  #line: Duplex | null = null;
  #hasEnded = false;

  constructor(place: DatabasePlace) {
    const socket = async (): Promise<Duplex> => {
      const line = await place.servers.open();
      // It may take long, and by then nobody asks any more.
      if (this.#hasEnded) line.destroy();
      return (this.#line = line);
    };
    const connection = { application_name: 'cadenza pulse' };
    this.#driver = openDriver(place, { max: 1, backoff: () => 0.05, connection, socket });
  }

  /**
   * Never rejects. Too many connections or a wrong password are no obstacle, because an answer shows that the server is
   * there.
   */
  ask(): Promise<Obstacle> {
    return this.#driver`select 1`.then(
      () => null,
      (error: unknown) => (error instanceof Error && isGone(error) ? error : null),
    );
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#driver.end({ timeout: 0 });
    this.#line?.destroy();
  }
}

/** The answer, or an error after the maximum number of checks. */
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
