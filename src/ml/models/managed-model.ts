import { EventEmitter, once } from 'node:events';
import { type Backoff, retry } from '../../lib/async/retry.ts';
import { ModelUnavailableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Model, ModelLoad } from '../contract.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { bytesOf, modelDigest, type ModelEntry } from '../store/model-catalogue.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { Translator } from '../translator/translator.ts';
import { Writer } from '../writer/writer.ts';
import { stepLogger } from './step-logger.ts';

/** The status of a model. `share` is the fraction that has been fetched or compiled. */
export type ManagedModelState =
  | { status: 'ABSENT'; planned: boolean }
  | { status: 'FETCHING'; share: number }
  | { status: 'COMPILING'; share: number }
  | { status: 'READY'; service: ModelService }
  | { status: 'FAILED'; failure: string; fetched: boolean };

/** What works with a model once it is ready. */
export type ModelService = Writer | Encoder | Translator;

export interface ManagedModelOptions {
  store: ModelStore;
  device: 'cpu' | 'cuda';
  /**
   * Makes a fetched model ready to work, and tries whether it opens.
   * @throws Error with the reason if it does not
   */
  prepare: (entry: ModelEntry, onProgress: (share: number) => void) => Promise<ModelService>;
  /** Waits between failed fetches. */
  fetchBackoff: Backoff;
  log: Pick<Logger, 'info' | 'warn'>;
  signal: AbortSignal;
}

/** Takes one model from the catalogue to its service: fetched, compiled, opened ([MODEL8]). */
export class ManagedModel implements AsyncDisposable {
  readonly entry: ModelEntry;
  readonly #options: ManagedModelOptions;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #state: ManagedModelState = { status: 'ABSENT', planned: true };

  constructor(entry: ModelEntry, options: ManagedModelOptions) {
    this.entry = entry;
    this.#options = options;
  }

  get state(): ManagedModelState {
    return this.#state;
  }

  get model(): Model {
    const { id, name, task, version, license, parameters, context } = this.entry;
    return {
      ...{ id, name, task, version, license, parameters },
      digest: modelDigest(this.entry),
      executionProvider: this.#options.device === 'cuda' ? 'CUDA' : 'CPU',
      contextTokens: context,
      status: this.#state.status,
      fetched: fetchedShare(this.#state),
      failure: this.#state.status === 'FAILED' ? this.#state.failure : null,
      kernels: writerIn(this.#state)?.kernels ?? null,
      fingerprint: writerIn(this.#state)?.fingerprint ?? null,
    };
  }

  /** Its state while it is in memory. */
  get load(): ModelLoad | null {
    return this.#state.status === 'READY' ? this.#state.service.load : null;
  }

  /** @throws ModelUnavailableError that says what is missing */
  service(): ModelService {
    if (this.#state.status === 'READY') return this.#state.service;
    throw this.#unavailable();
  }

  /** Rejects if the model has FAILED or will not be prepared. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    while (this.#state.status !== 'READY') {
      const hopeless = this.#state.status === 'FAILED' || (this.#state.status === 'ABSENT' && !this.#state.planned);
      if (hopeless) throw this.#unavailable();
      await once(this.#changes, 'change', signal ? { signal } : {});
    }
  }

  /** Resolves when its files are being fetched, which may take for ever, or this has failed. */
  async whenFetching(): Promise<void> {
    while (this.#state.status !== 'FETCHING' && this.#state.status !== 'FAILED') await once(this.#changes, 'change');
  }

  /**
   * With `fetch: false` it uses what is on disk and does not access the network. It never throws: a failure becomes the
   * state.
   */
  async run({ fetch }: { fetch: boolean }): Promise<void> {
    const { signal, log } = this.#options;
    if (fetch) this.#become({ status: 'ABSENT', planned: true });
    try {
      const path = fetch ? await this.#fetchUntilThere() : await this.#findOnDisk();
      if (path !== null) await this.#open();
    } catch (error) {
      if (signal.aborted) return;
      const failure = messageOf(error);
      log.warn(`${this.entry.name}: ${failure}`);
      this.#become({ status: 'FAILED', failure, fetched: this.#state.status !== 'FETCHING' });
    }
  }

  /** Accepts no new drafts, and ends when the accepted ones have been written. */
  async retire(): Promise<void> {
    if (this.#state.status === 'READY') await this.#state.service.retire();
    this.#become({ status: 'ABSENT', planned: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.status === 'READY') await this.#state.service[Symbol.asyncDispose]();
    this.#become({ status: 'ABSENT', planned: false });
  }

  async #findOnDisk(): Promise<string | null> {
    const { store, signal } = this.#options;
    const state = await store.check(this.entry, signal);
    if (state === 'whole') return store.path(this.entry);
    if (state === 'corrupt') throw new Error(`its file is damaged: npm run models -- pull ${this.entry.id}`);
    this.#become({ status: 'ABSENT', planned: false });
    return null;
  }

  #fetchUntilThere(): Promise<string> {
    const { fetchBackoff: backoff, signal, log } = this.#options;
    const onFailure = (error: unknown, waitMs: number): void => {
      const failure = messageOf(error);
      log.warn(`${failure}; trying again in ${Math.ceil(waitMs / 1000)} s`);
      this.#become({ status: 'FAILED', failure, fetched: false });
    };
    return retry(() => this.#fetch(), { backoff, signal, onFailure });
  }

  async #fetch(): Promise<string> {
    const { store, signal, log } = this.#options;
    // If all files are present, nothing is fetched and FETCHING is not reported.
    if ((await store.check(this.entry, signal)) === 'whole') return store.path(this.entry);
    const total = bytesOf(this.entry);
    this.#become({ status: 'FETCHING', share: (await store.bytesOnDisk(this.entry)) / total });
    const report = stepLogger(log, `${this.entry.name}: fetched`);
    const onProgress = (bytes: number): void => {
      // Another process's progress is polled, and may be reported after the fetch has ended.
      if (this.#state.status !== 'FETCHING') return;
      this.#become({ status: 'FETCHING', share: Math.min(1, bytes / total) });
      report(bytes / total);
    };
    return store.fetch(this.entry, { signal, onProgress, onStep: (step) => log.info(step) });
  }

  async #open(): Promise<void> {
    const { prepare, log } = this.#options;
    this.#become({ status: 'COMPILING', share: 0 });
    const report = stepLogger(log, `${this.entry.name}: compiled`);
    const onProgress = (share: number): void => {
      this.#become({ status: 'COMPILING', share });
      report(share);
    };
    const service = await prepare(this.entry, onProgress);
    this.#become({ status: 'READY', service });
    log.info(`${this.entry.name} is ready`);
  }

  #become(state: ManagedModelState): void {
    this.#state = state;
    this.#changes.emit('change');
  }

  #unavailable(): ModelUnavailableError {
    return new ModelUnavailableError(`${this.entry.name} ${describeState(this.#state, this.entry)}`, this.entry.id);
  }
}

function describeState(state: ManagedModelState, { id }: ModelEntry): string {
  switch (state.status) {
    case 'ABSENT':
      if (state.planned) return 'is about to be prepared; try again in a moment';
      return `is not on this machine: run "npm run models -- pull ${id}" and start the server again`;
    case 'FETCHING':
      return `is being fetched (${percent(state.share)} so far); try again in a moment`;
    case 'COMPILING':
      return `is being compiled (${percent(state.share)} so far); try again in a moment`;
    case 'FAILED':
      return `is not usable: ${state.failure}`;
    case 'READY':
      return 'is ready';
  }
}

function writerIn(state: ManagedModelState): Writer | null {
  return state.status === 'READY' && state.service instanceof Writer ? state.service : null;
}

function fetchedShare(state: ManagedModelState): number {
  switch (state.status) {
    case 'ABSENT':
      return 0;
    case 'FETCHING':
      return state.share;
    case 'FAILED':
      return state.fetched ? 1 : 0;
    case 'COMPILING':
    case 'READY':
      return 1;
  }
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
