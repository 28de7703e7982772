import type { Documents } from '../documents/documents.ts';
import type { Clock } from '../lib/clock.ts';
import type { Assist } from './contract.ts';

/** A word that is not complete is shown this often at most. */
const PERIOD_MS = 200;
/** Whoever says nothing for longer is taken for gone. */
const AGAIN_MS = 10_000;
const LONGEST_TAIL = 200;

interface TailOptions {
  documents: Documents;
  clock: Clock;
  assist: Assist;
  /** What readers call it. */
  name: string;
}

/** Shows, as the presence of the assist's client, where it writes and the word that it is about to write. */
export class ShownTail implements AsyncDisposable {
  readonly #options: TailOptions;
  readonly #timer: NodeJS.Timeout;
  #wanted: string;
  #shown: string | null = null;
  #shownAt = 0;
  #showing: Promise<void> = Promise.resolve();
  #isShowing = false;
  #clock = 0;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#wanted = this.#stateOf(null, '');
    this.#timer = setInterval(() => this.#tick(), PERIOD_MS).unref();
    this.#tick();
  }

  /** @param caret a position as JSON, or null */
  set(caret: string | null, tail: string): void {
    this.#wanted = this.#stateOf(caret, tail.slice(-LONGEST_TAIL));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#showing;
    await this.#show(null);
  }

  #stateOf(caret: string | null, tail: string): string {
    const { assist, name } = this.#options;
    const at: unknown = caret === null ? null : JSON.parse(caret);
    const user = { name, isModel: true };
    return JSON.stringify({
      user,
      assist: { id: assist.id, tail },
      ...(at !== null && { cursor: { anchor: at, head: at } }),
    });
  }

  #tick(): void {
    const now = this.#options.clock.monotonic();
    if (this.#isShowing || (this.#wanted === this.#shown && now - this.#shownAt < AGAIN_MS)) return;
    this.#shown = this.#wanted;
    this.#shownAt = now;
    this.#isShowing = true;
    this.#showing = this.#show(this.#wanted).finally(() => (this.#isShowing = false));
  }

  /** Nothing depends on it: a document that is gone or has too many visitors shows it to nobody. */
  async #show(state: string | null): Promise<void> {
    const { documents, clock, assist } = this.#options;
    // Whoever takes over shows later clocks than whoever died.
    this.#clock = Math.max(this.#clock + 1, Math.floor((clock.now() - assist.createdAt.getTime()) / 100));
    const { clientId, documentId, listenerId } = assist;
    await documents
      .show(documentId, { clientId, listenerId, clock: Math.max(0, this.#clock), state })
      .catch(() => undefined);
  }
}
