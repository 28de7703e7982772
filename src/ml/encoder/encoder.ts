import { LRUCache } from 'lru-cache';
import type { Clock } from '../../lib/clock.ts';
import {
  asError,
  CadenzaError,
  ModelUnavailableError,
  OverloadedError,
  ServiceUnavailableError,
} from '../../lib/errors.ts';
import type { EncodedText, EncodeOptions, ModelLoad } from '../contract.ts';
import type { MemoryBudget, Tenant } from '../writer/memory-budget.ts';
import type { EncoderThread } from './encoder-thread.ts';

export interface EncoderOptions {
  id: string;
  name: string;
  memory: MemoryBudget;
  /** Memory that it needs while it is open. */
  bytes: number;
  /** Time after which an idle encoder is unloaded. */
  sleepAfterMs: number;
  clock: Clock;
  open: (onDeath: (reason: Error) => void) => Promise<EncoderThread>;
}

/** Number of texts whose vectors are remembered, of about 20 KB each. */
const REMEMBERED = 1024;
/** Longest text that is remembered, in UTF-16 units. */
const REMEMBERED_LENGTH = 1000;
/** Number of texts that may wait. */
const MOST_WAITING = 20_000;
/** Assumed until something was measured. */
const TEXT_MS = 10;

/**
 * The main thread's side of an encoder. Its thread is opened for the first text, holds memory of the models' common
 * budget, and is closed when nobody has needed it for a while.
 */
export class Encoder implements Tenant, AsyncDisposable {
  readonly #options: EncoderOptions;
  readonly #known = new LRUCache<string, EncodedText>({ max: REMEMBERED });
  #thread: Promise<EncoderThread> | null = null;
  /** Resolves when a thread that had to make way is gone. */
  #leaving: Promise<void> | null = null;
  #closed: Error | null = null;
  #sleepTimer: NodeJS.Timeout | null = null;
  #users = 0;
  #waiting = 0;
  #onVacated: () => void = () => undefined;
  usedAt: number;

  constructor(options: EncoderOptions) {
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
   * @returns in the order of the texts; a text's vectors are the same beside any others
   * @throws OverloadedError if too many texts wait; ModelUnavailableError if its thread ended; the signal's reason
   */
  async encode(texts: readonly string[], { signal, words = false }: EncodeOptions): Promise<readonly EncodedText[]> {
    signal.throwIfAborted();
    const wanted = [...new Set(texts)].filter((text) => words || !this.#known.has(text));
    const found = new Map(texts.flatMap((text) => [[text, this.#known.get(text)] as const]));
    if (wanted.length > 0) {
      const encoded = await this.#encodeAll(wanted, words, signal);
      wanted.forEach((text, i) => found.set(text, encoded[i]));
    }
    return texts.flatMap((text) => found.get(text) ?? []);
  }

  makeWay(): void {
    if (this.#thread === null) return;
    this.#leaving ??= new Promise((resolve) => (this.#onVacated = resolve));
    if (this.idle) void this.#close(this.#thread);
  }

  /** Accepts nothing new. Resolves when the accepted texts have been encoded. */
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

  async #encodeAll(texts: readonly string[], words: boolean, signal: AbortSignal): Promise<readonly EncodedText[]> {
    const { id, name } = this.#options;
    if (this.#waiting + texts.length > MOST_WAITING)
      throw new OverloadedError(`${name} is busy: ${this.#waiting} texts wait for it`, this.#waiting * TEXT_MS);
    this.#waiting += texts.length;
    try {
      const encoded = await this.#use((thread) => thread.encode(texts, words, signal));
      texts.forEach((text, i) => this.#remember(text, encoded[i]));
      return encoded;
    } catch (error) {
      if (signal.aborted || error instanceof CadenzaError) throw error;
      throw new ModelUnavailableError(`${name} stopped: ${asError(error).message}`, id);
    } finally {
      this.#waiting -= texts.length;
    }
  }

  #remember(text: string, encoded: EncodedText | undefined): void {
    if (encoded && text.length <= REMEMBERED_LENGTH) this.#known.set(text, { ...encoded, words: null });
  }

  async #use<Result>(work: (thread: EncoderThread) => Promise<Result>): Promise<Result> {
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

  async #open(): Promise<EncoderThread> {
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

  async #close(opening: Promise<EncoderThread>): Promise<void> {
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
