import { catalogueWakeup } from '../../catalogue/catalogue.ts';
import { emptyMark, selectWithdrawnSince } from '../../db/catalogue/catalogue-changes.ts';
import type { Database } from '../../db/client.ts';
import { selectActiveVersion, selectActiveVersionName, selectVersion } from '../../db/recommend/recommend-queries.ts';
import { Refresher } from '../../lib/async/refresher.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { CatalogueIndex } from '../model/catalogue-index.ts';
import { Neighbours } from '../model/neighbours.ts';
import { type Serving, UNTRAINED } from '../model/serving.ts';
import { withoutWithdrawn } from '../model/snapshot.ts';
import { unpackWeights } from '../model/stored-weights.ts';
import { type ItemWeights, noWeights, parseWeights } from '../model/weights.ts';
import { Workspace } from '../ranking/workspace.ts';
import { modelWakeup, servingWakeup } from '../wakeup-keys.ts';

interface Version {
  name: string;
  weights: ItemWeights;
}

export interface ServedModelOptions {
  database: Database;
  wakeups: Wakeups;
  log: Logger;
}

/**
 * The catalogue and the active weights in memory. A wake-up updates them in the background, and requests use the previous
 * state until then ([INDEX1]). Only withdrawn tracks are excluded at once ([CAT4]).
 */
export class ServedModel implements AsyncDisposable {
  readonly #options: ServedModelOptions;
  readonly #closing = new AbortController();
  readonly #index: CatalogueIndex;
  readonly #refresher: Refresher;
  readonly #workspace = new Workspace();
  #version: Version = { name: UNTRAINED, weights: noWeights };
  /** The version that served before, or with which a list was last continued. */
  #earlier: Version = { name: UNTRAINED, weights: noWeights };
  #earlierNeighbours: Neighbours | null = null;
  #serving: Serving | null = null;
  /** The mark of the catalogue in service. */
  #mark = emptyMark;
  /** The number of change notices received, and of those that the model in service includes. */
  #changes = 0;
  #seen = 0;
  #withdrawing: Promise<void> | null = null;
  #isVersionStale = true;
  #hasFailed = false;

  private constructor(options: ServedModelOptions) {
    this.#options = options;
    this.#index = new CatalogueIndex(options.database, this.#closing.signal);
    this.#refresher = new Refresher(
      () => this.#refresh(),
      (error) => this.#report(error),
    );
  }

  static async open(options: ServedModelOptions): Promise<ServedModel> {
    const served = new ServedModel(options);
    served.#watch(catalogueWakeup, () => {
      served.#changes += 1;
      served.#refresher.want();
    });
    served.#watch(modelWakeup, () => {
      served.#isVersionStale = true;
      served.#refresher.want();
    });
    await served.upToDate();
    return served;
  }

  /** The name of the version in service. */
  get version(): string {
    return this.#version.name;
  }

  /** The model in service. It excludes withdrawn tracks, but may lack the latest changes otherwise. */
  async current(): Promise<Serving> {
    while (this.#serving && this.#seen !== this.#changes) {
      this.#withdrawing ??= this.#leaveOutWithdrawn(this.#serving).finally(() => (this.#withdrawing = null));
      await this.#withdrawing;
    }
    return this.#serving ?? this.upToDate();
  }

  /** The model that includes everything committed before this call. */
  async upToDate(): Promise<Serving> {
    await this.#refresher.run();
    return this.current();
  }

  /** The same, with the version that is now active. */
  switched(): Promise<Serving> {
    this.#isVersionStale = true;
    return this.upToDate();
  }

  /** The model with which a list was opened, if it is still in memory; otherwise the model in service. */
  async of(version: string): Promise<Serving> {
    const serving = await this.current();
    const earlier = version === serving.neighbours.version ? null : await this.#findEarlier(version);
    if (!earlier) return serving;
    const { snapshot } = serving;
    const known = this.#earlierNeighbours;
    if (known?.version === version && known.isOf(snapshot)) return { ...serving, neighbours: known };
    const neighbours = new Neighbours(version, snapshot, earlier.weights);
    this.#earlierNeighbours = neighbours;
    return { ...serving, neighbours };
  }

  async #findEarlier(version: string): Promise<Version | null> {
    if (this.#earlier.name === version) return this.#earlier;
    const row = version === UNTRAINED ? null : await selectVersion(this.#options.database.db, version);
    if (version !== UNTRAINED && !row) return null;
    return (this.#earlier = {
      name: version,
      weights: row ? parseWeights(await unpackWeights(row.weights)) : noWeights,
    });
  }

  async #refresh(): Promise<void> {
    const changes = this.#changes;
    if (this.#isVersionStale) await this.#loadVersion();
    const snapshot = await this.#index.refresh();
    const { name, weights } = this.#version;
    const known = this.#serving?.neighbours;
    const neighbours =
      known?.version === name && known.isOf(snapshot) ? known : new Neighbours(name, snapshot, weights);
    this.#serving = { snapshot, neighbours, workspace: this.#workspace };
    this.#mark = this.#index.mark;
    this.#seen = changes;
    this.#hasFailed = false;
    this.#options.wakeups.wakeHere(servingWakeup);
  }

  async #leaveOutWithdrawn(serving: Serving): Promise<void> {
    const changes = this.#changes;
    const ids = await selectWithdrawnSince(this.#options.database, this.#mark);
    // A model that was put into service meanwhile includes them.
    if (this.#serving !== serving) return;
    if (ids.length > 0) this.#serving = { ...serving, snapshot: withoutWithdrawn(serving.snapshot, ids) };
    this.#seen = changes;
  }

  async #loadVersion(): Promise<void> {
    const { database } = this.#options;
    this.#isVersionStale = false;
    try {
      if ((await selectActiveVersionName(database.db)) === this.#version.name) return;
      const row = await selectActiveVersion(database.db);
      if (!row) return;
      this.#earlier = this.#version;
      this.#version = { name: row.version, weights: parseWeights(await unpackWeights(row.weights)) };
    } catch (error) {
      this.#isVersionStale = true;
      throw error;
    }
  }

  /** Logs only the first of several failures in a row. */
  #report(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.log.warn({ err: error }, 'The catalogue could not be read; lists are of what was read before');
  }

  #watch(key: string, onWake: () => void): void {
    void onEach(this.#options.wakeups.changes(key, this.#closing.signal), onWake);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#refresher[Symbol.asyncDispose]();
  }
}
