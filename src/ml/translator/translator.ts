import { startWorker } from '../../lib/threads/worker.ts';
import type { LanguagePair, ModelLoad, ModelTranslation } from '../contract.ts';
import { OnDemandModel, type OnDemandOptions } from '../threads/on-demand-model.ts';
import { TextThread } from '../threads/text-thread.ts';
import type { TranslationOptions, TranslatorThreadOptions } from './translation-options.ts';

export interface TranslatorOptions extends OnDemandOptions {
  languages: LanguagePair;
  thread: TranslatorThreadOptions;
}

/** Number of texts that may wait. */
const MOST_WAITING = 1_000;
/** Assumed until something was measured. */
const TEXT_MS = 200;

/** A translator of one pair of languages, with a thread of its own. */
export class Translator implements AsyncDisposable {
  readonly languages: LanguagePair;
  readonly #model: OnDemandModel<TranslationOptions, ModelTranslation>;

  constructor({ languages, thread, ...options }: TranslatorOptions) {
    this.languages = languages;
    const open = (onDeath: (reason: Error) => void) => {
      const worker = startWorker(import.meta.url, './translator-worker', { workerData: thread });
      return TextThread.open<TranslationOptions, ModelTranslation>(worker, onDeath);
    };
    this.#model = new OnDemandModel({ ...options, mostWaiting: MOST_WAITING, textMs: TEXT_MS, open });
  }

  /** Its state while it is in memory. */
  get load(): ModelLoad | null {
    return this.#model.load;
  }

  /**
   * @returns in the order of the texts; a text's translation is the same beside any others
   * @throws OverloadedError if too many texts wait; ModelUnavailableError if it does not open; the signal's reason
   */
  async translate(
    texts: readonly string[],
    options: TranslationOptions,
    signal: AbortSignal,
  ): Promise<readonly ModelTranslation[]> {
    signal.throwIfAborted();
    return this.#model.answer(texts, options, signal);
  }

  /** Accepts nothing new. Resolves when the accepted texts have been translated. */
  retire(): Promise<void> {
    return this.#model.retire();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }
}
