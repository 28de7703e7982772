import type { Clock } from '../../lib/clock.ts';
import {
  asError,
  CadenzaError,
  ModelUnavailableError,
  OverloadedError,
  ServiceUnavailableError,
} from '../../lib/errors.ts';
import type { ModelLoad } from '../contract.ts';
import type { MemoryBudget, Tenant } from '../writer/memory-budget.ts';
import type { TextThread } from './text-thread.ts';

export interface OnDemandOptions {
  id: string;
  name: string;
  memory: MemoryBudget;
  /** Memory that it needs while it is open. */
  bytes: number;
  /** Time after which an idle model is unloaded. */
  sleepAfterMs: number;
  clock: Clock;
}

export interface OnDemandThread<Options, Answer> extends OnDemandOptions {
  /** Number of texts that may wait. */
  mostWaiting: number;
  /** Assumed time of a text, until something was measured. */
  textMs: number;
  open: (onDeath: (reason: Error) => void) => Promise<TextThread<Options, Answer>>;
}

/**
 * A model that answers texts in a thread of its own. The thread is opened for the first text, holds memory of the models'
 * common budget, and is closed when nobody has needed it for a while.
 */
export class OnDemandModel<Options, Answer> implements Tenant, AsyncDisposable {
  readonly #options: OnDemandThread<Options, Answer>;
  #thread: Promise<TextThread<Options, Answer>> | null = null;
  /** Resolves when a thread that had to make way is gone. */
  #leaving: Promise<void> | null = null;
  #closed: Error | null = null;
  #sleepTimer: NodeJS.Timeout | null = null;
  #users = 0;
  #waiting = 0;
  #onVacated: () => void = () => undefined;
  usedAt: number;

  constructor(options: OnDemandThread<Options, Answer>) {
    this.#options = options;
    this.usedAt = options.clock.monotonic();
  }

  get idle(): boolean {
    return this.#users === 0;
  }

  /** Its state while it is in memory. */
  get load(): ModelLoad | null {
    const { id, memory } = this.#options;
    const memoryBytes = memory.bytesOf(this);
    if (memoryBytes === 0) return null;
    return { modelId: id, slots: 0, memoryBytes, capacityTokens: 0, writer: null, forecast: { stepMs: 0, endsMs: [] } };
  }

  /** Opens it if it is not open. @throws Error with the reason if it does not open */
  wake(): Promise<void> {
    return this.#use(() => Promise.resolve());
  }

  /**
   * @returns in the order of the texts
   * @throws OverloadedError if too many texts wait; ModelUnavailableError if its thread ended; the signal's reason
   */
  async answer(texts: readonly string[], options: Options, signal: AbortSignal): Promise<readonly Answer[]> {
    const { id, name, mostWaiting, textMs } = this.#options;
    if (this.#waiting + texts.length > mostWaiting)
      throw new OverloadedError(`${name} is busy: ${this.#waiting} texts wait for it`, this.#waiting * textMs);
    this.#waiting += texts.length;
    try {
      return await this.#use((thread) => thread.answer(texts, options, signal));
    } catch (error) {
      if (signal.aborted || error instanceof CadenzaError) throw error;
      throw new ModelUnavailableError(`${name} stopped: ${asError(error).message}`, id);
    } finally {
      this.#waiting -= texts.length;
    }
  }

  makeWay(): void {
    if (this.#thread === null) return;
    this.#leaving ??= new Promise((resolve) => (this.#onVacated = resolve));
    if (this.idle) void this.#close(this.#thread);
  }

  /** Accepts nothing new. Resolves when the accepted texts have been answered. */
  async retire(): Promise<void> {
    this.#closed ??= new ModelUnavailableError(`${this.#options.name} has been replaced`, this.#options.id);
    this.makeWay();
    await this.#leaving;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = new ServiceUnavailableError('the server is shutting down');
    const thread = this.#thread;
    if (thread) await this.#close(thread);
  }

  async #use<Result>(work: (thread: TextThread<Options, Answer>) => Promise<Result>): Promise<Result> {
    while (this.#leaving) await this.#leaving;
    if (this.#closed) throw this.#closed;
    this.#users++;
    if (this.#sleepTimer) clearTimeout(this.#sleepTimer);
    try {
      return await work(await (this.#thread ??= this.#open()));
    } finally {
      this.#users--;
      this.#rest();
    }
  }

  #rest(): void {
    const { clock, memory, sleepAfterMs } = this.#options;
    if (!this.idle) return;
    this.usedAt = clock.monotonic();
    if (this.#leaving && this.#thread) void this.#close(this.#thread);
    else if (this.#thread) this.#sleepTimer = setTimeout(() => this.makeWay(), sleepAfterMs).unref();
    memory.serve();
  }

  async #open(): Promise<TextThread<Options, Answer>> {
    const { id, name, memory, bytes, open } = this.#options;
    const demand = { weightBytes: bytes, slotBytes: 1, slots: 1 };
    await new Promise<number>((resolve) => memory.claim(this, demand, resolve));
    try {
      return await open(() => this.#forget());
    } catch (error) {
      this.#forget();
      throw new ModelUnavailableError(`${name} cannot be used: ${asError(error).message}`, id);
    }
  }

  async #close(opening: Promise<TextThread<Options, Answer>>): Promise<void> {
    if (this.#thread === opening) this.#thread = null;
    const thread = await opening.catch(() => null);
    await thread?.[Symbol.asyncDispose]();
    this.#forget();
  }

  /** Its thread is gone: the next text opens another. */
  #forget(): void {
    this.#thread = null;
    if (this.#sleepTimer) clearTimeout(this.#sleepTimer);
    this.#options.memory.release(this);
    this.#leaving = null;
    this.#onVacated();
  }
}
