import { ClientLeftError, DeadlineExceededError } from './errors.ts';
import { Turns } from './turns.ts';

/**
 * How long one operation is worked on: while somebody waits for it, and no longer than it may take. What works on it stops when
 * the signal aborts, and takes turns with others meanwhile ([EDGE4]).
 */
export class Lifetime {
  readonly #controller = new AbortController();
  #deadline: NodeJS.Timeout | null = null;
  #isChange = false;
  readonly #turns = new Turns();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @param isChange what is changed is changed whether its answer can be told or not */
  begin(mostMs: number, { isChange }: { isChange: boolean }): void {
    this.#isChange = isChange;
    const error = new DeadlineExceededError(`The operation was given up after ${mostMs / 1_000} seconds`);
    this.#deadline = setTimeout(() => this.#controller.abort(error), mostMs).unref();
  }

  /** It is over: there is nothing left to stop. */
  end(): void {
    if (this.#deadline) clearTimeout(this.#deadline);
  }

  /** Nobody waits for the answer any more. */
  leave(): void {
    if (this.#isChange) return;
    this.end();
    this.#controller.abort(new ClientLeftError('The client has left'));
  }

  /** Before work of some milliseconds, of which an operation may want much. @throws when it is to stop */
  async turn(): Promise<void> {
    await this.#turns.take();
    this.signal.throwIfAborted();
  }

  /** After such work, before what it needs from the database: asked for together, it is one statement for all ([PAGE3]). */
  async afterTurns(): Promise<void> {
    await this.#turns.allTaken();
    this.signal.throwIfAborted();
  }
}
