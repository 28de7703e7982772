import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import {
  activateVersion,
  countFeedback,
  readAllReactions,
  selectActiveVersion,
  selectActiveVersionName,
  selectSnapshot,
  selectVersion,
} from '../db/recommend-queries.ts';
import { catalogueWakeup } from '../catalogue/catalogue.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { feedbackWakeup } from '../listeners/listeners.ts';
import { holdOutLast, type Metrics } from './evaluation.ts';
import { readHistories } from './interactions.ts';
import { Neighbours } from './neighbours.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import { defaultOptions, evaluateWeights, trainWeights } from './training.ts';
import { noWeights, parseWeights, serialiseWeights, type ItemWeights } from './weights.ts';

/** Woken when another version becomes the active one. */
export const modelWakeup = 'model';
/** What serves before anything has been trained: content, preferences and popularity. */
const UNTRAINED = 'untrained';
/** Training begins by itself when there is this much more feedback than the active version has seen. */
const ENOUGH_MORE = 1.5;
/** Feedback arrives all day, counting it costs a query: it is looked at this often at most. */
const MS_BETWEEN_LOOKS = 60_000;

export interface Serving {
  snapshot: Snapshot;
  neighbours: Neighbours;
}

interface Version {
  name: string;
  weights: ItemWeights;
  /** Feedback rows that it was trained on. */
  feedback: number;
}

export interface ModelStateOptions {
  database: Database;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
}

/**
 * The catalogue and the active weights in memory. Wake-ups only mark them as out of date; the next request brings them up
 * to date, so that what was recorded before a request is in its answer.
 */
export class ModelState implements AsyncDisposable {
  static readonly wakeupKeys: readonly string[] = [catalogueWakeup, modelWakeup];
  readonly #options: ModelStateOptions;
  readonly #closing = new AbortController();
  #version: Version = { name: UNTRAINED, weights: noWeights, feedback: 0 };
  /** The version that served before, or that a list was last gone on with. */
  #earlier: Pick<Version, 'name' | 'weights'> = { name: UNTRAINED, weights: noWeights };
  #earlierNeighbours: Neighbours | null = null;
  #serving: Promise<Serving> | null = null;
  #isVersionStale = true;
  #versionLoading = Promise.resolve();
  #training: Promise<string> | null = null;
  #lookedAt: number;

  private constructor(options: ModelStateOptions) {
    this.#options = options;
    this.#lookedAt = options.clock.monotonic();
  }

  static async open(options: ModelStateOptions): Promise<ModelState> {
    const state = new ModelState(options);
    state.#watch(catalogueWakeup, () => {
      state.#serving = null;
      state.#trainWhereWorthwhile();
    });
    state.#watch(feedbackWakeup, () => {
      if (options.clock.monotonic() - state.#lookedAt >= MS_BETWEEN_LOOKS) state.#trainWhereWorthwhile();
    });
    state.#watch(modelWakeup, () => {
      state.#isVersionStale = true;
      state.#serving = null;
    });
    await state.current();
    state.#trainWhereWorthwhile();
    return state;
  }

  current(): Promise<Serving> {
    const loading = (this.#serving ??= this.#load());
    // A failure is the caller's to hear, and the next one's to try again.
    loading.catch(() => {
      if (this.#serving === loading) this.#serving = null;
    });
    return loading;
  }

  /** What a list was begun with, as long as it is at hand; what serves now otherwise. */
  async of(version: string): Promise<Serving> {
    const serving = await this.current();
    const earlier = version === serving.neighbours.version ? null : await this.#findEarlier(version);
    if (!earlier) return serving;
    const { snapshot } = serving;
    const known = this.#earlierNeighbours;
    if (known?.version === version && known.snapshot === snapshot) return { snapshot, neighbours: known };
    const neighbours = new Neighbours(version, snapshot, earlier.weights);
    this.#earlierNeighbours = neighbours;
    return { snapshot, neighbours };
  }

  async #findEarlier(version: string): Promise<Pick<Version, 'name' | 'weights'> | null> {
    if (this.#earlier.name === version) return this.#earlier;
    const row = version === UNTRAINED ? null : await selectVersion(this.#options.database.db, version);
    if (version !== UNTRAINED && !row) return null;
    return (this.#earlier = { name: version, weights: row ? parseWeights(row.weights) : noWeights });
  }

  /** One training at a time: who asks meanwhile gets its result. */
  train(): Promise<string> {
    this.#training ??= this.#train().finally(() => (this.#training = null));
    return this.#training;
  }

  async #load(): Promise<Serving> {
    const { database } = this.#options;
    // One after the other, and waited for by every load: the weights read last are the ones that stay.
    if (this.#isVersionStale) {
      this.#versionLoading = this.#versionLoading.catch(() => undefined).then(() => this.#loadVersion());
    }
    await this.#versionLoading;
    const snapshot = createSnapshot(await selectSnapshot(database));
    return { snapshot, neighbours: new Neighbours(this.#version.name, snapshot, this.#version.weights) };
  }

  async #loadVersion(): Promise<void> {
    const { database } = this.#options;
    this.#isVersionStale = false;
    try {
      if ((await selectActiveVersionName(database.db)) === this.#version.name) return;
      const row = await selectActiveVersion(database.db);
      if (!row) return;
      this.#earlier = this.#version;
      const feedback = Number(row.parameters.feedback ?? 0);
      this.#version = { name: row.version, weights: parseWeights(row.weights), feedback };
    } catch (error) {
      this.#isVersionStale = true;
      throw error;
    }
  }

  async #train(): Promise<string> {
    const { database, clock, log, wakeups } = this.#options;
    const { signal } = this.#closing;
    const start = clock.monotonic();
    const feedback = await countFeedback(database);
    const histories = await readHistories(readAllReactions(database));
    log.info({ listeners: histories.length, feedback }, 'Training the recommender');
    const holdout = holdOutLast(histories);
    const metrics: Partial<Metrics> =
      holdout.cases.length > 0 ? await evaluateWeights(holdout, defaultOptions, signal) : {};
    log.info({ ...metrics }, 'Measured on the last track of each listener; training on all');
    const weights = await trainWeights(histories, defaultOptions, signal);
    const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
    const at = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
    // Two trainings may end within the same second, here or in two processes.
    const version = `ease-${at}-${randomUUID().slice(0, 8)}`;
    const parameters = {
      ...defaultOptions,
      feedback,
      listeners: histories.length,
      tracks: weights.ids.length,
      seconds,
    };
    const rows = Object.entries(metrics).map(([metric, value]) => {
      return { dataset: 'feedback', protocol: 'leave-last-out', metric, value };
    });
    await activateVersion(database, { version, parameters, weights: serialiseWeights(weights) }, rows);
    log.info({ version, seconds, tracks: weights.ids.length, ...metrics }, 'The recommender is trained');
    // Whoever waits for this training is served by it, also before the wake-up has made its round.
    this.#isVersionStale = true;
    this.#serving = null;
    wakeups.wake(modelWakeup);
    return version;
  }

  #trainWhereWorthwhile(): void {
    this.#lookedAt = this.#options.clock.monotonic();
    const consider = async (): Promise<void> => {
      const feedback = await countFeedback(this.#options.database);
      const isWorthwhile = feedback > 0 && feedback > ENOUGH_MORE * this.#version.feedback;
      if (isWorthwhile && !this.#closing.signal.aborted) await this.train();
    };
    consider().catch((error: unknown) => {
      if (this.#closing.signal.aborted) return;
      this.#options.log.warn({ err: error }, 'The recommender could not be trained; serving what there is');
    });
  }

  #watch(key: string, onWake: () => void): void {
    const watcher = this.#options.wakeups.watch(key, this.#closing.signal);
    void (async () => {
      await watcher.next();
      for await (const _ of watcher) onWake();
    })();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#training?.catch(() => undefined);
  }
}
