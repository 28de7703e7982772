import type { Worker } from 'node:worker_threads';
import { asError } from '../../lib/errors.ts';
import type { AnswerCommand, AnswerReport } from './protocol.ts';

interface Request<Answer> {
  resolve: (answers: readonly Answer[]) => void;
  reject: (reason: unknown) => void;
}

/** The main thread's side of a thread that answers texts, off the event loop. The thread's side is `serveTexts`. */
export class TextThread<Options, Answer> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #requests = new Map<number, Request<Answer>>();
  #nextId = 0;
  #closing = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('error', (error) => this.#failAll(asError(error)));
  }

  /**
   * Waits until a thread that has been started has opened its model.
   * @param onDeath called if the thread ends without being told to
   * @throws Error with the reason if it does not open
   */
  static async open<Options, Answer>(
    worker: Worker,
    onDeath: (reason: Error) => void,
  ): Promise<TextThread<Options, Answer>> {
    const thread = new TextThread<Options, Answer>(worker);
    try {
      await thread.#ready();
    } catch (error) {
      // The thread holds memory until then.
      await thread.#exited;
      throw error;
    }
    thread.#listen(onDeath);
    return thread;
  }

  /** @throws Error if a text cannot be answered or the thread ends; the signal's reason, and the rest is not computed */
  answer(texts: readonly string[], options: Options, signal: AbortSignal): Promise<readonly Answer[]> {
    if (signal.aborted) return Promise.reject(asError(signal.reason));
    const id = this.#nextId++;
    const cancel = () => {
      this.#send({ type: 'cancel', id });
      this.#requests.get(id)?.reject(signal.reason);
      this.#requests.delete(id);
    };
    signal.addEventListener('abort', cancel, { once: true });
    const answer = new Promise<readonly Answer[]>((resolve, reject) => this.#requests.set(id, { resolve, reject }));
    this.#send({ type: 'answer', id, texts, options });
    return answer.finally(() => signal.removeEventListener('abort', cancel));
  }

  /** Ends the current runs, frees the model's memory and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#send({ type: 'close' });
    await this.#exited;
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('exit', (code) => reject(new Error(`the thread ended with code ${code}`)));
      this.#worker.once('message', (report: AnswerReport<Answer>) => {
        if (report.type === 'failed') reject(new Error(report.message));
        else resolve();
      });
    });
  }

  #listen(onDeath: (reason: Error) => void): void {
    this.#worker.on('message', (report: AnswerReport<Answer>) => {
      if (report.type !== 'answered' && report.type !== 'refused') return;
      const request = this.#requests.get(report.id);
      this.#requests.delete(report.id);
      if (report.type === 'answered') request?.resolve(report.answers);
      else request?.reject(new Error(report.message));
    });
    this.#worker.once('exit', (code) => {
      const reason = new Error(`the thread ended with code ${code}`);
      this.#failAll(reason);
      if (!this.#closing) onDeath(reason);
    });
  }

  #failAll(reason: Error): void {
    for (const { reject } of this.#requests.values()) reject(reason);
    this.#requests.clear();
  }

  #send(command: AnswerCommand<Options>): void {
    this.#worker.postMessage(command);
  }
}
