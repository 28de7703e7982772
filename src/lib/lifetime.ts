import { ClientLeftError, DeadlineExceededError } from './errors.ts';
import { Turns } from './turns.ts';

interface Terms {
  mostMs: number;
  /** A change that has begun is made, whether its answer can be told or not. */
  isChange: boolean;
  /** Called once, when it is to stop before its end. */
  onStop: (reason: Error) => void;
}

/**
 * How long one operation is worked on: while somebody waits for it, and no longer than it may take ([EDGE4], [EDGE7]). Every
 * request has one and few are stopped, so what stopping needs is made when it is needed.
 */
export class Lifetime {
  readonly #turns = new Turns();
  #terms: Terms | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #controller: AbortController | null = null;
  #reason: Error | null = null;
  #isOver = false;

  begin(terms: Terms): void {
    this.#terms = terms;
    if (this.#reason) {
      terms.onStop(this.#reason);
      return;
    }
    const { mostMs } = terms;
    const giveUp = () =>
      this.#stop(new DeadlineExceededError(`The operation was aborted after ${mostMs / 1_000} seconds`));
    this.#deadline = setTimeout(giveUp, mostMs).unref();
  }

  /** It is done: there is nothing left to stop. */
  end(): void {
    this.#isOver = true;
    if (this.#deadline) clearTimeout(this.#deadline);
  }

  /** Nobody waits for the answer any more. */
  leave(): void {
    if (this.#isOver || this.#terms?.isChange) return;
    this.#stop(new ClientLeftError('The client has disconnected'));
  }

  /** Aborts when it is to stop. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Before work of some milliseconds, of which an operation may want much. @throws when it is to stop */
  async turn(): Promise<void> {
    await this.#turns.take();
    this.#throwIfStopped();
  }

  /** After such work, before what it needs from the database: asked for together, it is one statement for all ([PAGE3]). */
  async afterTurns(): Promise<void> {
    await this.#turns.allTaken();
    this.#throwIfStopped();
  }

  #throwIfStopped(): void {
    if (this.#reason) throw this.#reason;
  }

  #stop(reason: Error): void {
    if (this.#reason) return;
    this.end();
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#terms?.onStop(reason);
  }
}
