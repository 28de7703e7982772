import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../lib/threads/worker.ts';
import type { TrainerOptions, TrainingProgress } from '../contract.ts';
import type { SparseRows } from '../math/sparse-rows.ts';
import type { ContentWeights } from '../model/content-weights.ts';
import type { Interactions } from './interactions.ts';
import type { ItemModel } from './item-model/item-model.ts';
import type { Described } from './learn-content.ts';
import type { Metrics } from './quality/accuracy.ts';
import type { NumberedCase } from './quality/holdout.ts';
import type { OfflineQuality } from './quality/offline-quality.ts';
import type { Known, ScoredRows, Scoring } from './quality/scorer.ts';
import type { ModelSettings, SearchOptions, SearchResult } from './settings-search.ts';

/** A job for the worker. It consists of plain data and blocks no thread that serves requests. */
export type TrainingJob =
  | { kind: 'search'; interactions: Interactions; options: SearchOptions }
  | { kind: 'train'; interactions: Interactions; settings: ModelSettings }
  | { kind: 'measure'; rows: ScoredRows; scoring: Scoring; cases: readonly NumberedCase[] }
  | { kind: 'lists'; rows: ScoredRows; scoring: Scoring; counts: Float64Array; listeners: readonly Known[] }
  | { kind: 'content'; rows: SparseRows; described: Described; listeners: readonly NumberedCase[] };

export interface JobResults {
  search: SearchResult;
  train: ItemModel;
  measure: Metrics[];
  lists: OfflineQuality;
  content: ContentWeights;
}

export type TrainerMessage =
  { loaded: true } | { progress: TrainingProgress } | { done: JobResults[keyof JobResults] } | { failure: Error };

/** Maximum heap, in which rows are built. Matrices are outside the heap. */
const MOST_HEAP_MB = 4_096;

/** A worker that executes jobs one after the other. Disposing it frees its memory. */
export class Trainer implements AsyncDisposable {
  readonly #worker: Worker;
  /** Resolves when the worker may be terminated: terminating a thread while it loads native code ends the process. */
  readonly #loaded: Promise<unknown>;
  readonly #options: TrainerOptions;

  constructor(options: TrainerOptions = {}) {
    this.#options = options;
    const resourceLimits = { maxOldGenerationSizeMb: MOST_HEAP_MB };
    this.#worker = startWorker(import.meta.url, './training-worker', { resourceLimits });
    // An error before the first job is reported with that job.
    this.#worker.on('error', () => undefined);
    this.#loaded = new Promise((resolve) => this.#worker.once('message', resolve).once('exit', resolve));
  }

  search(interactions: Interactions, options: SearchOptions): Promise<SearchResult> {
    return this.#do({ kind: 'search', interactions, options });
  }

  /** @throws RangeError if values are not finite */
  train(interactions: Interactions, settings: ModelSettings): Promise<ItemModel> {
    return this.#do({ kind: 'train', interactions, settings });
  }

  measure(rows: ScoredRows, scoring: Scoring, cases: readonly NumberedCase[]): Promise<Metrics[]> {
    return this.#do({ kind: 'measure', rows, scoring, cases });
  }

  lists(
    rows: ScoredRows,
    scoring: Scoring,
    counts: Float64Array,
    listeners: readonly Known[],
  ): Promise<OfflineQuality> {
    return this.#do({ kind: 'lists', rows, scoring, counts, listeners });
  }

  content(rows: SparseRows, described: Described, listeners: readonly NumberedCase[]): Promise<ContentWeights> {
    return this.#do({ kind: 'content', rows, described, listeners });
  }

  /** @throws the signal's reason if it aborts. The worker ends after the current matrix product. */
  #do<Kind extends TrainingJob['kind']>(job: Extract<TrainingJob, { kind: Kind }>): Promise<JobResults[Kind]> {
    const { signal, report } = this.#options;
    signal?.throwIfAborted();
    const worker = this.#worker;
    return new Promise<JobResults[Kind]>((resolve, reject) => {
      const onMessage = (message: TrainerMessage): void => {
        if ('loaded' in message) return;
        if ('progress' in message) return report?.(message.progress);
        settle();
        if ('done' in message) resolve(message.done as JobResults[Kind]);
        else reject(message.failure);
      };
      const onError = (error: Error): void => {
        settle();
        reject(error);
      };
      const onExit = (): void => onError(new Error('The training thread ended before its job was done'));
      const onAbort = (): void => onError(signal?.reason as Error);
      const settle = (): void => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        signal?.removeEventListener('abort', onAbort);
      };
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      signal?.addEventListener('abort', onAbort, { once: true });
      worker.postMessage(job);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loaded;
    await this.#worker.terminate();
  }
}
