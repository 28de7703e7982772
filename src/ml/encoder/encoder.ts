import { LRUCache } from 'lru-cache';
import { startWorker } from '../../lib/threads/worker.ts';
import type { EncodedText, EncodeOptions, ModelLoad } from '../contract.ts';
import { setRuntimeEnvironment } from '../ort/environment.ts';
import { OnDemandModel, type OnDemandOptions } from '../threads/on-demand-model.ts';
import { TextThread } from '../threads/text-thread.ts';
import type { EncoderThreadOptions, EncodingOptions } from './encoding-options.ts';

export interface EncoderOptions extends OnDemandOptions {
  thread: EncoderThreadOptions;
}

/** Number of texts whose vectors are remembered, of about 20 KB each. */
const REMEMBERED = 1024;
/** Longest text that is remembered, in UTF-16 units. */
const REMEMBERED_LENGTH = 1000;
/** Number of texts that may wait. */
const MOST_WAITING = 20_000;
/** Assumed until something was measured. */
const TEXT_MS = 10;

/** An encoder, whose thread cuts texts into tokens and runs the graph. */
export class Encoder implements AsyncDisposable {
  readonly #model: OnDemandModel<EncodingOptions, EncodedText>;
  readonly #known = new LRUCache<string, EncodedText>({ max: REMEMBERED });

  constructor({ thread, ...options }: EncoderOptions) {
    const open = (onDeath: (reason: Error) => void) => {
      setRuntimeEnvironment();
      const worker = startWorker(import.meta.url, './encoder-worker', { workerData: thread });
      return TextThread.open<EncodingOptions, EncodedText>(worker, onDeath);
    };
    this.#model = new OnDemandModel({ ...options, mostWaiting: MOST_WAITING, textMs: TEXT_MS, open });
  }

  /** Its state while it is in memory. */
  get load(): ModelLoad | null {
    return this.#model.load;
  }

  /** Opens it if it is not open. @throws Error with the reason if it does not open */
  wake(): Promise<void> {
    return this.#model.wake();
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
      const encoded = await this.#model.answer(wanted, { words }, signal);
      wanted.forEach((text, i) => {
        found.set(text, encoded[i]);
        this.#remember(text, encoded[i]);
      });
    }
    return texts.flatMap((text) => found.get(text) ?? []);
  }

  /** Accepts nothing new. Resolves when the accepted texts have been encoded. */
  retire(): Promise<void> {
    return this.#model.retire();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }

  #remember(text: string, encoded: EncodedText | undefined): void {
    if (encoded && text.length <= REMEMBERED_LENGTH) this.#known.set(text, { ...encoded, words: null });
  }
}
