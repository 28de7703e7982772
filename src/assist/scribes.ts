import { randomUUID } from 'node:crypto';
import {
  type AssistRow,
  claimAssists,
  endAssist,
  releaseAssists,
  renewAssists,
} from '../db/documents/assist-queries.ts';
import { repeat } from '../lib/async/schedule.ts';
import { onEach, type Wakeups } from '../lib/async/wakeups.ts';
import type { Listeners, Viewer } from '../listeners/listeners.ts';
import type { Model } from '../ml/engine.ts';
import { assistOf } from './asked-for.ts';
import type { Assist } from './contract.ts';
import { Scribe, type ScribeOptions } from './scribe.ts';

/** Woken when there is an assist that nobody carries out. */
export const assistsKey = 'assists';

/** Documents that one process writes into at once. */
const MOST = 16;
const LOOK_MS = 1_000;

interface ScribesOptions extends Omit<ScribeOptions, 'assist' | 'viewer' | 'name'> {
  wakeups: Wakeups;
  listeners: Listeners;
  models: () => readonly Model[];
}

interface Running {
  stop: AbortController;
  done: Promise<void>;
}

/**
 * What this process writes of models into documents. It says every second that it still does; what a process that has
 * died was writing is taken up by another. Were two to write at once, each would find what the other has written.
 */
export class Scribes implements AsyncDisposable {
  readonly #options: ScribesOptions;
  readonly #id = randomUUID();
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();
  #looking: AsyncDisposable | null = null;
  #taking: Promise<void> = Promise.resolve();

  constructor(options: ScribesOptions) {
    this.#options = options;
  }

  start(): void {
    const { logger, wakeups } = this.#options;
    const onFailure = (error: unknown): void => logger.warn({ err: error }, 'assists cannot be read; trying again');
    this.#looking = repeat(LOOK_MS, () => this.#look(), onFailure);
    void onEach(wakeups.changes(assistsKey, this.#closing.signal), () => this.#take().catch(onFailure));
  }

  async #look(): Promise<void> {
    await this.#renew();
    await this.#take();
  }

  async #renew(): Promise<void> {
    const ids = [...this.#running.keys()];
    if (ids.length === 0) return;
    const kept = new Set(await renewAssists(this.#options.database, this.#id, ids));
    for (const id of ids) if (!kept.has(id)) this.#running.get(id)?.stop.abort();
  }

  #take(): Promise<void> {
    const taken = this.#taking.then(() => this.#takeSome());
    this.#taking = taken.catch(() => undefined);
    return taken;
  }

  async #takeSome(): Promise<void> {
    const room = MOST - this.#running.size;
    if (room <= 0 || this.#closing.signal.aborted) return;
    const { database, listeners, models } = this.#options;
    const rows = await claimAssists(database, this.#id, room);
    const found = (await Promise.all(rows.map((row) => this.#read(row)))).filter((assist) => assist !== null);
    const people = await listeners.byIds(found.map(({ listenerId }) => listenerId));
    for (const assist of found) {
      const listener = people.get(assist.listenerId);
      if (!listener || this.#running.has(assist.id)) continue;
      const name = models().find(({ id }) => id === assist.asked.modelId)?.name ?? assist.asked.modelId;
      const roles = new Set([assist.asked.asAdmin ? ('ADMIN' as const) : ('LISTENER' as const)]);
      this.#run(assist, { listener, roles }, name);
    }
  }

  /** One that is damaged ends; the others go on. */
  async #read(row: AssistRow): Promise<Assist | null> {
    const { database, clock, logger } = this.#options;
    try {
      return assistOf(row);
    } catch (error) {
      logger.error({ err: error, assist: row.id }, 'an assist cannot be read');
      await endAssist(database.sql, row.id, { status: 'FAILED', reason: 'MODEL_FAILED', at: new Date(clock.now()) });
      return null;
    }
  }

  #run(assist: Assist, viewer: Viewer, name: string): void {
    const { database, logger } = this.#options;
    const stop = new AbortController();
    const scribe = new Scribe({ ...this.#options, assist, viewer, name }, stop.signal);
    const done = scribe
      .run()
      .then((how) => (how === 'moved' ? releaseAssists(database, this.#id, assist.id) : undefined))
      .catch((error: unknown) => logger.error({ err: error, assist: assist.id }, 'an assist failed'))
      .finally(() => {
        this.#running.delete(assist.id);
        if (!this.#closing.signal.aborted) void this.#take().catch(() => undefined);
      });
    this.#running.set(assist.id, { stop, done });
  }

  /** Leaves what is not at its end to other processes, or the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { database, wakeups } = this.#options;
    this.#closing.abort();
    await this.#looking?.[Symbol.asyncDispose]();
    await this.#taking;
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ done }) => done));
    await releaseAssists(database, this.#id).catch(() => undefined);
    if (running.length > 0) wakeups.wake(assistsKey);
  }
}
