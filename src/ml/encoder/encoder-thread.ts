import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../lib/async/worker.ts';
import { asError } from '../../lib/errors.ts';
import type { EncodedText } from '../contract.ts';
import { setRuntimeEnvironment } from '../ort/environment.ts';
import type { EncoderCommand, EncoderReport, EncoderThreadOptions } from './protocol.ts';

interface Request {
  resolve: (texts: readonly EncodedText[]) => void;
  reject: (reason: unknown) => void;
}

/** The main thread's side of an encoder's thread: it cuts texts into tokens and runs the graph, off the event loop. */
export class EncoderThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #requests = new Map<number, Request>();
  #nextId = 0;
  #closing = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('error', (error) => this.#failAll(asError(error)));
  }

  /**
   * Starts a thread and opens the model in it.
   * @param onDeath called if the thread ends without being told to
   * @throws Error with the reason if it does not open
   */
  static async open(options: EncoderThreadOptions, onDeath: (reason: Error) => void): Promise<EncoderThread> {
    setRuntimeEnvironment();
    const thread = new EncoderThread(startWorker(import.meta.url, './encoder-worker', { workerData: options }));
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

  /** @throws Error if a text cannot be encoded or the thread ends; the signal's reason, and the rest is not computed */
  encode(texts: readonly string[], words: boolean, signal: AbortSignal): Promise<readonly EncodedText[]> {
    if (signal.aborted) return Promise.reject(asError(signal.reason));
    const id = this.#nextId++;
    const cancel = () => {
      this.#send({ type: 'cancel', id });
      this.#requests.get(id)?.reject(signal.reason);
      this.#requests.delete(id);
    };
    signal.addEventListener('abort', cancel, { once: true });
    const answer = new Promise<readonly EncodedText[]>((resolve, reject) =>
      this.#requests.set(id, { resolve, reject }),
    );
    this.#send({ type: 'encode', id, texts, words });
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
      this.#worker.once('exit', (code) => reject(new Error(`the encoder’s thread ended with code ${code}`)));
      this.#worker.once('message', (report: EncoderReport) => {
        if (report.type === 'failed') reject(new Error(report.message));
        else resolve();
      });
    });
  }

  #listen(onDeath: (reason: Error) => void): void {
    this.#worker.on('message', (report: EncoderReport) => {
      if (report.type !== 'encoded' && report.type !== 'refused') return;
      const request = this.#requests.get(report.id);
      this.#requests.delete(report.id);
      if (report.type === 'encoded') request?.resolve(report.texts);
      else request?.reject(new Error(report.message));
    });
    this.#worker.once('exit', (code) => {
      const reason = new Error(`the encoder’s thread ended with code ${code}`);
      this.#failAll(reason);
      if (!this.#closing) onDeath(reason);
    });
  }

  #failAll(reason: Error): void {
    for (const { reject } of this.#requests.values()) reject(reason);
    this.#requests.clear();
  }

  #send(command: EncoderCommand): void {
    this.#worker.postMessage(command);
  }
}
