import { isDeepStrictEqual } from 'node:util';
import { NotFoundError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ModelTask } from '../contract.ts';
import { isLocal, isShipped, type ModelEntry } from '../store/model-catalogue.ts';
import type { ManagedModel } from './managed-model.ts';

export interface ModelRegistryOptions {
  create: (entry: ModelEntry) => ManagedModel;
  /**
   * Whether a task's default model is fetched if it is missing; one for TRANSLATION when it is first needed. One that is
   * built in with all its files is copied anyway.
   */
  fetch: boolean;
  log: Pick<Logger, 'info' | 'warn'>;
}

/**
 * The models on offer, prepared one after the other, each task's default first, and of those the ones that need no
 * network. A download that stalls, or fails again and again, keeps no other model waiting ([MODEL8]). The catalogue may
 * change while they write: a model's successor takes over when it is ready, and drafts already begun are finished by
 * the model that began them ([MODEL12]).
 */
export class ModelRegistry implements AsyncDisposable {
  readonly #options: ModelRegistryOptions;
  #models: readonly ManagedModel[] = [];
  /** The models of the latest catalogue, ready or not. */
  #wanted: readonly ManagedModel[] = [];
  #work: Promise<void> = Promise.resolve();
  readonly #retiring = new Set<ManagedModel>();

  constructor(options: ModelRegistryOptions) {
    this.#options = options;
  }

  /** In the catalogue's order. */
  get models(): readonly ManagedModel[] {
    return this.#models;
  }

  defaultOf(task: ModelTask): ManagedModel | null {
    return this.#models.find(({ entry }) => entry.task === task) ?? null;
  }

  /** @throws NotFoundError */
  find(id: string): ManagedModel {
    const found = this.#models.find(({ entry }) => entry.id === id);
    if (!found) throw new NotFoundError(`there is no model ${id}`, id);
    return found;
  }

  /** A model that is needed. It is fetched from now on if it is absent, is not fetched at the start, and may be fetched. */
  need(managed: ManagedModel): ManagedModel {
    const { state } = managed;
    if (this.#options.fetch && state.status === 'ABSENT' && !state.planned) {
      const fetched = managed.run({ fetch: true });
      this.#work = Promise.all([this.#work, fetched]).then(() => undefined);
    }
    return managed;
  }

  /** Switches to another catalogue in the background. Models with unchanged entries are kept. */
  use(entries: readonly ModelEntry[]): void {
    const before = this.#models;
    const named = (id: string) => before.find(({ entry }) => entry.id === id);
    const offers = entries.map((entry) => {
      const old = named(entry.id);
      if (old && isDeepStrictEqual(old.entry, entry)) return { shown: old, wanted: old, fresh: null };
      const fresh = this.#options.create(entry);
      return { shown: old?.state.status === 'READY' ? old : fresh, wanted: fresh, fresh };
    });
    this.#models = offers.map(({ shown }) => shown);
    this.#wanted = offers.map(({ wanted }) => wanted);
    for (const gone of before) if (!this.#models.includes(gone)) this.#retire(gone);
    const fresh = offers.flatMap((offer) => offer.fresh ?? []);
    // Beside what is left of the catalogue before, where a download may be failing for as long as there is no network.
    this.#work = Promise.all([this.#work, this.#prepare(fresh)]).then(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What writes ends now, however long the preparation of another model takes to end.
    const ready = this.#models.filter(({ state }) => state.status === 'READY');
    await Promise.all(ready.map((one) => one[Symbol.asyncDispose]()));
    await this.#work;
    for (const one of [...this.#models, ...this.#retiring]) await one[Symbol.asyncDispose]();
  }

  async #prepare(fresh: readonly ManagedModel[]): Promise<void> {
    const isDefault = (one: ManagedModel) => this.defaultOf(one.entry.task)?.entry.id === one.entry.id;
    const defaults = fresh.filter(isDefault);
    const local = defaults.filter(({ entry }) => isLocal(entry));
    const inOrder = [...new Set([...local, ...defaults, ...fresh])];
    const prepared: Promise<void>[] = [];
    for (const one of inOrder.filter((each) => this.#wanted.includes(each))) {
      const isAwaited = isDefault(one) && one.entry.task !== 'TRANSLATION';
      const fetch = isAwaited && (this.#options.fetch || isShipped(one.entry));
      const done = one.run({ fetch }).then(() => this.#takeOver(one));
      prepared.push(done);
      await Promise.race([done, one.whenFetching()]);
    }
    await Promise.all(prepared);
  }

  /** A successor that does not become ready leaves the current model in service. */
  #takeOver(fresh: ManagedModel): void {
    if (!this.#wanted.includes(fresh)) {
      this.#retire(fresh);
      return;
    }
    const old = this.#models.find(({ entry }) => entry.id === fresh.entry.id);
    if (!old || old === fresh) return;
    const { id, version } = fresh.entry;
    if (fresh.state.status !== 'READY') {
      this.#options.log.warn(
        `${id} stays at version ${old.entry.version} because version ${version} did not become ready`,
      );
      return;
    }
    this.#models = this.#models.map((one) => (one === old ? fresh : one));
    this.#options.log.info(`${id} is now at version ${version}`);
    this.#retire(old);
  }

  #retire(old: ManagedModel): void {
    this.#retiring.add(old);
    void old.retire().finally(() => this.#retiring.delete(old));
  }
}
