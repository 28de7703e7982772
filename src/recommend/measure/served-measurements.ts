import type { Database } from '../../db/client.ts';
import { takeTurn } from '../../db/nodes/turns.ts';
import {
  hasEvaluations,
  insertEvaluationsOnce,
  isActiveUnmeasured,
  selectSomeListeners,
} from '../../db/recommend/evaluation-queries.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import { type Serving } from '../model/serving.ts';
import type { KnownTaste } from '../taste/taste.ts';
import { modelWakeup } from '../wakeup-keys.ts';
import { measureServed } from './served-quality.ts';

/** Number of listeners whose lists are measured: enough for two digits, few enough to take about a second. */
const LISTENERS = 200;
const PROTOCOL = 'served-lists';

export interface MeasurementOptions {
  database: Database;
  wakeups: Wakeups;
  log: Logger;
  current: () => Promise<Serving>;
  load: (listenerId: number) => Promise<KnownTaste>;
}

/**
 * Measures each version's lists once, when it starts to serve, and stores the results beside its accuracy ([BEYOND5],
 * [TRUTH1]).
 */
export class ServedMeasurements implements AsyncDisposable {
  readonly #options: MeasurementOptions;
  readonly #closing = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(options: MeasurementOptions) {
    this.#options = options;
    // Also at the start: the process that was measuring may have ended before it was done.
    void onEach(options.wakeups.watch(modelWakeup, this.#closing.signal), () => this.#measureAside());
  }

  /** Measures the serving version. Measurements run one after the other, so that none is repeated. */
  measure(): Promise<void> {
    const measured = this.#last
      .then(() => this.#measure())
      .catch((error: unknown) => {
        // Ended before it was done: whoever starts next measures it.
        if (!this.#closing.signal.aborted) throw error;
      });
    this.#last = measured.catch(() => undefined);
    return measured;
  }

  async #measure(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const { database, log, current, load } = this.#options;
    if (!(await isActiveUnmeasured(database.db, PROTOCOL))) return;
    const serving = await current();
    const modelVersion = serving.neighbours.version;
    const isMeasured = () => hasEvaluations(database.db, modelVersion, PROTOCOL);
    if (await isMeasured()) return;
    const { signal } = this.#closing;
    // All nodes are told of a version at once, and one of them measures it.
    await using _ = await takeTurn(database, 'measuring', signal);
    if (await isMeasured()) return;
    const tastes: KnownTaste[] = [];
    for (const listenerId of await selectSomeListeners(database, LISTENERS)) {
      tastes.push(await load(listenerId));
      signal.throwIfAborted();
    }
    const metrics = await measureServed(serving, tastes, signal);
    const rows = Object.entries(metrics).map(([metric, value]) => {
      return { modelVersion, dataset: 'feedback', protocol: PROTOCOL, metric, value };
    });
    if (!(await insertEvaluationsOnce(database, rows))) return;
    log.info({ version: modelVersion, listeners: tastes.length, ...metrics }, 'Measured the served lists');
  }

  #measureAside(): void {
    this.measure().catch((error: unknown) => {
      if (!this.#closing.signal.aborted)
        this.#options.log.warn({ err: error }, 'The served lists could not be measured');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }
}
