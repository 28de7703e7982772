import { setMaxListeners } from 'node:events';
import { ClientLeftError, DeadlineExceededError } from './errors.ts';
import { Turns } from './turns.ts';

interface Terms {
  mostMs: number;
  /**
   * Whether the operation changes something. A change that has begun is completed even if its answer cannot be sent.
   */
  isChange: boolean;
  /** Called once if the operation must stop before its end. */
  onStop: (reason: Error) => void;
}

/**
 * The lifetime of one operation: as long as somebody waits for it, within the time limit ([EDGE4], [EDGE7]). Every
 * request has one and few are stopped, so what stopping needs is created only then.
 */
export class Lifetime {
  readonly #turns = new Turns();
  #terms: Terms | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #controller: AbortController | null = null;
  #reason: Error | null = null;
  #isOver = false;
  #isLeft = false;

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

  /** The operation is done, so nothing is left to stop. */
  end(): void {
    this.#isOver = true;
    if (this.#deadline) clearTimeout(this.#deadline);
  }

  /** Whether nobody waits for the answer any more. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  leave(): void {
    this.#isLeft = true;
    if (this.#isOver || this.#terms?.isChange) return;
    this.#stop(new ClientLeftError('The client has disconnected'));
  }

  /** Aborts when the operation must stop. */
  get signal(): AbortSignal {
    this.#controller ??= controllerOfMany();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Call before work of some milliseconds, of which an operation may have much. @throws if the operation must stop */
  async turn(): Promise<void> {
    await this.#turns.take();
    this.#throwIfStopped();
  }

  /**
   * Call after such work, before reading what it needs from the database: all parts then share one statement ([PAGE3]).
   */
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

/** An operation may have dozens of searches, each of which listens while it runs. Many listeners are not a leak here. */
function controllerOfMany(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
