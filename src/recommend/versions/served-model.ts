import { catalogueWakeup } from '../../catalogue/catalogue.ts';
import type { Database } from '../../db/client.ts';
import { emptyMark, selectWithdrawnSince } from '../../db/queries/catalogue-changes.ts';
import { selectActiveVersion, selectActiveVersionName, selectVersion } from '../../db/queries/recommend-queries.ts';
import { Refresher } from '../../lib/async/refresher.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { CatalogueIndex } from '../model/catalogue-index.ts';
import { Neighbours } from '../model/neighbours.ts';
import type { Serving } from '../model/serving.ts';
import { withoutWithdrawn } from '../model/snapshot.ts';
import { type ItemWeights, noWeights, parseWeights } from '../model/weights.ts';
import { Workspace } from '../ranking/workspace.ts';
import { modelWakeup, servingWakeup } from '../wakeup-keys.ts';

/** What serves before anything has been trained: content, preferences and popularity. */
const UNTRAINED = 'untrained';

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
 * The catalogue and the active weights in memory. A wake-up brings them up to date beside the requests, which are served by
 * what there was until then ([INDEX1]); only tracks that were withdrawn are left out at once ([CAT4]).
 */
export class ServedModel implements AsyncDisposable {
  readonly #options: ServedModelOptions;
  readonly #closing = new AbortController();
  readonly #index: CatalogueIndex;
  readonly #refresher: Refresher;
  readonly #workspace = new Workspace();
  #version: Version = { name: UNTRAINED, weights: noWeights };
  /** The version that served before, or that a list was last gone on with. */
  #earlier: Version = { name: UNTRAINED, weights: noWeights };
  #earlierNeighbours: Neighbours | null = null;
  #serving: Serving | null = null;
  /** Of the catalogue that is served. */
  #mark = emptyMark;
  /** How often the catalogue was said to have changed, and how much of that what is served takes into account. */
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

  /** What serves now: without what was withdrawn, and otherwise perhaps not with the latest changes. */
  async current(): Promise<Serving> {
    while (this.#serving && this.#seen !== this.#changes) {
      this.#withdrawing ??= this.#leaveOutWithdrawn(this.#serving).finally(() => (this.#withdrawing = null));
      await this.#withdrawing;
    }
    return this.#serving ?? this.upToDate();
  }

  /** What serves once all that was committed before this call is taken into account. */
  async upToDate(): Promise<Serving> {
    await this.#refresher.run();
    return this.current();
  }

  /** The same, with the version that has become the active one. */
  switched(): Promise<Serving> {
    this.#isVersionStale = true;
    return this.upToDate();
  }

  /** What a list was begun with, as long as it is at hand; what serves now otherwise. */
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
    return (this.#earlier = { name: version, weights: row ? parseWeights(row.weights) : noWeights });
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
    // What has come to serve meanwhile knows of them.
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
      this.#version = { name: row.version, weights: parseWeights(row.weights) };
    } catch (error) {
      this.#isVersionStale = true;
      throw error;
    }
  }

  /** Once, however often it fails in a row. */
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
