import { EventEmitter, once } from 'node:events';
import { type Backoff, retry } from '../../lib/async/retry.ts';
import type { Clock } from '../../lib/clock.ts';
import { ModelUnavailableError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { CompiledModel } from '../compile/compile.ts';
import type { Model, ModelLoad } from '../contract.ts';
import { kvCacheBytes } from '../decoder/kv-cache.ts';
import type { Device } from '../ort/session.ts';
import { bytesOf, modelDigest, type ModelEntry } from '../store/model-catalogue.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { ModelText } from '../text/model-text.ts';
import type { MemoryBudget } from '../writer/memory-budget.ts';
import { Writer } from '../writer/writer.ts';
import { WriterThread } from '../writer/writer-thread.ts';
import { openFetched } from './compile-fetched.ts';
import { stepLogger } from './step-logger.ts';

/** The status of a model. `share` is the fraction that has been fetched or compiled. */
export type ManagedModelState =
  | { status: 'ABSENT'; planned: boolean }
  | { status: 'FETCHING'; share: number }
  | { status: 'COMPILING'; share: number }
  | { status: 'READY'; writer: Writer }
  | { status: 'FAILED'; failure: string; fetched: boolean };

export interface ManagedModelOptions {
  store: ModelStore;
  /** Where the graph runs. */
  device: Device;
  threads: number;
  slots: number;
  queue: number;
  /** Maximum number of tokens of a draft, prompt included; at most the model's own context. */
  capacity: number;
  memory: MemoryBudget;
  /** Memory for cached beginnings of prompts, in bytes. */
  prefixBytes: number;
  sleepAfterMs: number;
  checked: boolean;
  /** Waits between failed fetches. */
  fetchBackoff: Backoff;
  log: Pick<Logger, 'info' | 'warn'>;
  clock: Clock;
  signal: AbortSignal;
}

type Opened = Awaited<ReturnType<typeof openFetched>>;

/** Takes one model from the catalogue to a writer: fetched, compiled, opened ([MODEL8]). */
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
      executionProvider: this.#options.device.type === 'cuda' ? 'CUDA' : 'CPU',
      contextTokens: context,
      status: this.#state.status,
      fetched: fetchedShare(this.#state),
      failure: this.#state.status === 'FAILED' ? this.#state.failure : null,
    };
  }

  /** Its state while it is in memory. */
  get load(): ModelLoad | null {
    const writer = this.#state.status === 'READY' ? this.#state.writer : null;
    if (!writer || writer.slots === 0) return null;
    const { slots, state, memoryBytes, forecast } = writer;
    return { modelId: this.entry.id, slots, memoryBytes, writer: state, forecast };
  }

  /** @throws ModelUnavailableError that says what is missing */
  writer(): Writer {
    if (this.#state.status === 'READY') return this.#state.writer;
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

  /**
   * With `fetch: false` it uses what is on disk and does not access the network. It never throws: a failure becomes the
   * state.
   */
  async run({ fetch }: { fetch: boolean }): Promise<void> {
    const { signal, log } = this.#options;
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
    if (this.#state.status === 'READY') await this.#state.writer.retire();
    this.#become({ status: 'ABSENT', planned: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.status === 'READY') await this.#state.writer[Symbol.asyncDispose]();
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
    const { log } = this.#options;
    this.#become({ status: 'COMPILING', share: 0 });
    const writer = await this.#createWriter(await this.#compile());
    this.#become({ status: 'READY', writer });
    log.info(`${this.entry.name} is ready`);
  }

  async #createWriter({ model, text }: Opened): Promise<Writer> {
    const { signal, log } = this.#options;
    signal.throwIfAborted();
    const writer = this.#writerOf(model, text);
    try {
      await this.#wake(writer);
      return writer;
    } catch (error) {
      // A compiled model that does not open was damaged or made by another version. It is compiled again, once.
      signal.throwIfAborted();
      log.warn(`${this.entry.name}: the compiled model cannot be opened (${messageOf(error)}); compiling it again`);
      const again = this.#writerOf((await this.#compile({ anew: true })).model, text);
      await this.#wake(again);
      return again;
    }
  }

  /** It may have to wait for memory while another model writes, but not during shutdown. */
  async #wake(writer: Writer): Promise<void> {
    const { signal } = this.#options;
    const close = (): void => void writer[Symbol.asyncDispose]();
    signal.addEventListener('abort', close, { once: true });
    try {
      await writer.wake();
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  #writerOf(model: CompiledModel, { tokenizer, chat }: ModelText): Writer {
    const { device, threads, slots, queue, prefixBytes, memory, sleepAfterMs, checked, clock } = this.#options;
    const { id, name } = this.entry;
    const capacity = Math.min(this.#options.capacity, this.entry.context, model.shape.contextTokens);
    const { tokenBytes, ends, exempt } = tokenizer;
    const thread = {
      model,
      threads,
      device,
      capacity,
      prefixBytes,
      checked,
      tokenBytes,
      ends,
      exempt,
    };
    return new Writer({
      ...{ id, name, chat, tokens: tokenizer, capacity, queue, memory, sleepAfterMs, clock },
      demand: {
        weightBytes: prefixBytes + model.weightBytes,
        slotBytes: kvCacheBytes(model.shape, 1, capacity),
        slots,
      },
      open: (granted, listener) => WriterThread.open({ ...thread, slots: granted }, listener),
    });
  }

  #compile({ anew = false } = {}): Promise<Opened> {
    const { store, device, signal, log } = this.#options;
    const report = stepLogger(log, `${this.entry.name}: compiled`);
    const onProgress = (share: number): void => {
      this.#become({ status: 'COMPILING', share });
      report(share);
    };
    return openFetched(store, this.entry, { device: device.type, signal, onProgress, anew });
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
