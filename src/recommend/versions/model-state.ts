import { catalogueWakeup } from '../../catalogue/catalogue.ts';
import {
  countFeedback,
  selectVersions,
  selectVersionState,
  setActiveVersion,
} from '../../db/recommend/recommend-queries.ts';
import { repeat } from '../../lib/async/schedule.ts';
import { onEach } from '../../lib/async/wakeups.ts';
import type { Clock } from '../../lib/clock.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { feedbackWakeup } from '../../listeners/listeners.ts';
import type { ModelVersion, TrainerOptions } from '../contract.ts';
import type { Serving } from '../model/serving.ts';
import { modelWakeup } from '../wakeup-keys.ts';
import { ServedModel, type ServedModelOptions } from './served-model.ts';
import { isTrainingDue } from './training-due.ts';
import { trainInTurn } from './version-training.ts';

/** Feedback arrives all day, counting it costs a query: it is looked at this often at most. */
const MS_BETWEEN_LOOKS = 60_000;
/** And this often also where none arrives: it is removed for its age, and versions grow old. */
const LOOKS_EVERY_MS = 3_600_000;

export interface ModelStateOptions extends ServedModelOptions {
  clock: Clock;
  /** Off where training is asked for, as in commands. */
  trainsByItself?: boolean;
  /** How often feedback is looked at where none arrives; an hour unless told. */
  looksEveryMs?: number;
}

/** What serves, and the versions of it: trained where that is worthwhile, and switched. */
export class ModelState implements AsyncDisposable {
  readonly #options: ModelStateOptions;
  readonly #closing = new AbortController();
  readonly #served: ServedModel;
  #training: Promise<string> | null = null;
  #lookedAt: number;
  #looks: AsyncDisposable | null = null;

  private constructor(options: ModelStateOptions, served: ServedModel) {
    this.#options = options;
    this.#served = served;
    this.#lookedAt = options.clock.monotonic();
  }

  static async open(options: ModelStateOptions): Promise<ModelState> {
    const state = new ModelState(options, await ServedModel.open(options));
    state.#watch(catalogueWakeup, () => state.#trainWhereWorthwhile());
    state.#watch(feedbackWakeup, () => {
      if (options.clock.monotonic() - state.#lookedAt >= MS_BETWEEN_LOOKS) state.#trainWhereWorthwhile();
    });
    if (options.trainsByItself === false) return state;
    const look = (): Promise<void> => {
      state.#trainWhereWorthwhile();
      return Promise.resolve();
    };
    state.#looks = repeat(options.looksEveryMs ?? LOOKS_EVERY_MS, look, () => undefined);
    return state;
  }

  current(): Promise<Serving> {
    return this.#served.current();
  }

  upToDate(): Promise<Serving> {
    return this.#served.upToDate();
  }

  state(): { version: string; isTraining: boolean } {
    return { version: this.#served.version, isTraining: this.#training !== null };
  }

  of(version: string): Promise<Serving> {
    return this.#served.of(version);
  }

  /**
   * One training at a time: who asks meanwhile gets its result.
   * @param newest the newest version that was there when it was decided to train another; looked up unless given
   */
  train(options: TrainerOptions = {}, newest?: string | null): Promise<string> {
    this.#training ??= this.#train(options, newest).finally(() => (this.#training = null));
    return this.#training;
  }

  async #train({ signal, report }: TrainerOptions, newest?: string | null): Promise<string> {
    const ending = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    const before = newest === undefined ? ((await this.versions(1))[0]?.version ?? null) : newest;
    const snapshot = async () => (await this.#served.upToDate()).snapshot;
    const { version, isActive } = await trainInTurn({ ...this.#options, snapshot, signal: ending, report }, before);
    if (isActive) await this.#takeUp();
    return version;
  }

  async versions(first: number): Promise<ModelVersion[]> {
    return selectVersions(this.#options.database.db, first);
  }

  /** When a version's training read the feedback; null for one that was not trained. */
  async learnedUntil(version: string): Promise<Date | null> {
    const state = await selectVersionState(this.#options.database.db, version);
    return state && new Date(Number(state.parameters.readAt ?? state.trainedAt));
  }

  /** Makes an earlier version serve again. @throws NotFoundError when it is not there, or its weights are not kept any more */
  async activate(version: string, byListenerId?: number): Promise<ModelVersion> {
    const { database, log } = this.#options;
    const isSet = await setActiveVersion(database, version, byListenerId);
    const state = isSet ? await selectVersionState(database.db, version) : null;
    if (!state) throw new NotFoundError(`There is no version ${version} whose weights are kept`, version);
    log.info({ version }, 'The recommender serves another version, as requested');
    await this.#takeUp();
    return state;
  }

  /** Whoever waits for a switch is served by it, also before the wake-up has made its round. */
  async #takeUp(): Promise<void> {
    this.#options.wakeups.wake(modelWakeup);
    await this.#served.switched();
  }

  #trainWhereWorthwhile(): void {
    if (this.#options.trainsByItself === false) return;
    this.#lookedAt = this.#options.clock.monotonic();
    const consider = async (): Promise<void> => {
      const { database, clock } = this.#options;
      const feedback = await countFeedback(database);
      // The newest version may not be the one that serves: it was worse, or somebody has gone back.
      const [newest = null] = await selectVersions(database.db, 1);
      if (!isTrainingDue(feedback, newest, clock.now()) || this.#closing.signal.aborted) return;
      await this.train({}, newest?.version ?? null);
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
    await this.#looks?.[Symbol.asyncDispose]();
    await this.#training?.catch(() => undefined);
    await this.#served[Symbol.asyncDispose]();
  }
}
