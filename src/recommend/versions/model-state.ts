import { catalogueWakeup } from '../../catalogue/catalogue.ts';
import type { Database } from '../../db/client.ts';
import {
  countFeedback,
  selectActiveVersion,
  selectActiveVersionName,
  selectSnapshot,
  selectVersion,
  selectVersions,
  selectVersionState,
  setActiveVersion,
} from '../../db/queries/recommend-queries.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Clock } from '../../lib/clock.ts';
import { NotFoundError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { feedbackWakeup } from '../../listeners/listeners.ts';
import type { ModelVersion, TrainerOptions } from '../contract.ts';
import { Neighbours } from '../model/neighbours.ts';
import type { Serving } from '../model/serving.ts';
import { createSnapshot } from '../model/snapshot.ts';
import { SongKeys } from '../model/songs.ts';
import { type ItemWeights, noWeights, parseWeights } from '../model/weights.ts';
import { Workspace } from '../ranking/workspace.ts';
import { modelWakeup } from '../wakeup-keys.ts';
import { trainInTurn } from './version-training.ts';

/** The version before any training: it uses content, preferences and popularity. */
const UNTRAINED = 'untrained';
/** Training starts automatically when there is this many times as much feedback as the newest version has seen. */
const ENOUGH_MORE = 1.5;
/** Minimum interval for counting feedback, because each count is a query. */
const MS_BETWEEN_LOOKS = 60_000;

interface Version {
  name: string;
  weights: ItemWeights;
}

export interface ModelStateOptions {
  database: Database;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** False if training is only started explicitly, as in commands. */
  trainsByItself?: boolean;
}

/**
 * The catalogue and the active weights in memory. Wake-ups only mark them as stale, and the next request updates them,
 * so that everything recorded before a request counts in its answer.
 */
export class ModelState implements AsyncDisposable {
  static readonly wakeupKeys: readonly string[] = [catalogueWakeup, modelWakeup];
  readonly #options: ModelStateOptions;
  readonly #closing = new AbortController();
  readonly #songKeys = new SongKeys();
  readonly #workspace = new Workspace();
  #version: Version = { name: UNTRAINED, weights: noWeights };
  /** The version that served before, or of the list that was continued last. */
  #earlier: Version = { name: UNTRAINED, weights: noWeights };
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
    // The caller gets the failure, and the next one retries.
    loading.catch(() => {
      if (this.#serving === loading) this.#serving = null;
    });
    return loading;
  }

  /** The version with which a list was begun, if it is in memory, otherwise the serving one. */
  async of(version: string): Promise<Serving> {
    const serving = await this.current();
    const earlier = version === serving.neighbours.version ? null : await this.#findEarlier(version);
    if (!earlier) return serving;
    const { snapshot } = serving;
    const known = this.#earlierNeighbours;
    if (known?.version === version && known.snapshot === snapshot) return { ...serving, neighbours: known };
    const neighbours = new Neighbours(version, snapshot, earlier.weights);
    this.#earlierNeighbours = neighbours;
    return { ...serving, neighbours };
  }

  async #findEarlier(version: string): Promise<Version | null> {
    if (this.#earlier.name === version) return this.#earlier;
    const row = version === UNTRAINED ? null : await selectVersion(this.#options.database.db, version);
    if (version !== UNTRAINED && !row) return null;
    return (this.#earlier = { name: version, weights: row ? parseWeights(row.weights) : noWeights });
  }

  /**
   * One training at a time. A call during a training gets its result.
   * @param newest the newest version when the training was decided; looked up by default
   */
  train(options: TrainerOptions = {}, newest?: string | null): Promise<string> {
    this.#training ??= this.#train(options, newest).finally(() => (this.#training = null));
    return this.#training;
  }

  async #load(): Promise<Serving> {
    const { database } = this.#options;
    // Loads run one after the other, so that the weights read last are the ones that stay.
    if (this.#isVersionStale) {
      this.#versionLoading = this.#versionLoading.catch(() => undefined).then(() => this.#loadVersion());
    }
    await this.#versionLoading;
    const snapshot = createSnapshot(await selectSnapshot(database), this.#songKeys);
    const neighbours = new Neighbours(this.#version.name, snapshot, this.#version.weights);
    return { snapshot, neighbours, workspace: this.#workspace };
  }

  async #loadVersion(): Promise<void> {
    const { database } = this.#options;
    this.#isVersionStale = false;
    try {
      if ((await selectActiveVersionName(database.db)) === this.#version.name) return;
      const row = await selectActiveVersion(database.db);
      if (!row) return;
      this.#earlier = this.#version;
      this.#version = { name: row.version, weights: parseWeights(row.weights) };
    } catch (error) {
      this.#isVersionStale = true;
      throw error;
    }
  }

  async #train({ signal, report }: TrainerOptions, newest?: string | null): Promise<string> {
    const ending = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    const before = newest === undefined ? ((await this.versions(1))[0]?.version ?? null) : newest;
    const { version, isActive } = await trainInTurn({ ...this.#options, signal: ending, report }, before);
    if (isActive) this.#takeUp();
    return version;
  }

  async versions(first: number): Promise<ModelVersion[]> {
    return selectVersions(this.#options.database.db, first);
  }

  /** Makes an earlier version serve again. @throws NotFoundError if it does not exist or its weights are not kept */
  async activate(version: string): Promise<ModelVersion> {
    const { database, log } = this.#options;
    const isSet = await setActiveVersion(database, version);
    const state = isSet ? await selectVersionState(database.db, version) : null;
    if (!state) throw new NotFoundError(`There is no version ${version} whose weights are kept`, version);
    log.info({ version }, 'The recommender serves another version, as requested');
    this.#takeUp();
    return state;
  }

  /** The caller of a switch gets the new version even before the wake-up arrives. */
  #takeUp(): void {
    this.#isVersionStale = true;
    this.#serving = null;
    this.#options.wakeups.wake(modelWakeup);
  }

  #trainWhereWorthwhile(): void {
    if (this.#options.trainsByItself === false) return;
    this.#lookedAt = this.#options.clock.monotonic();
    const consider = async (): Promise<void> => {
      const feedback = await countFeedback(this.#options.database);
      // The newest version may not be the serving one, because it was worse or an earlier one was activated.
      const [newest] = await selectVersions(this.#options.database.db, 1);
      const isWorthwhile = feedback > 0 && feedback > ENOUGH_MORE * Number(newest?.parameters.feedback ?? 0);
      if (isWorthwhile && !this.#closing.signal.aborted) await this.train({}, newest?.version ?? null);
    };
    consider().catch((error: unknown) => {
      if (this.#closing.signal.aborted) return;
      this.#options.log.warn(
        { err: error },
        'The recommender could not be trained; the current version stays in service',
      );
    });
  }

  #watch(key: string, onWake: () => void): void {
    void onEach(this.#options.wakeups.changes(key, this.#closing.signal), onWake);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#training?.catch(() => undefined);
  }
}
