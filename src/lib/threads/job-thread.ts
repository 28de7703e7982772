import type { Worker } from 'node:worker_threads';
import { asError, OverloadedError, ServiceUnavailableError } from '../errors.ts';
import type { JobReply } from './job-worker.ts';

export interface JobThreadOptions {
  /** Starts a worker that answers each message by `answerJob`. */
  start: () => Worker;
  /** Jobs that wait or run. One more is refused. */
  mostJobs: number;
  /** Time limit of one job, after which its thread is replaced. */
  mostMs: number;
  /** The same for a thread's first job, which waits for the thread's code to be loaded. */
  mostFirstMs: number;
  /** Time after which an idle thread ends, and gives its memory back. */
  idleMs: number;
  /** What is told if there are too many jobs, one takes too long, or one fails; the reason follows. */
  tooMany: string;
  tooLong: string;
  failed: string;
  retryAfterMs: number;
}

interface Pending<Job, Answer> {
  job: Job;
  resolve: (answer: Answer) => void;
  reject: (reason: Error) => void;
}

/**
 * Runs one job at a time on a thread of its own, which is started for the first job and ends when idle. A thread that
 * fails or takes too long is replaced, and only its job fails.
 */
export class JobThread<Job, Answer> implements AsyncDisposable {
  readonly #options: JobThreadOptions;
  readonly #jobs: Pending<Job, Answer>[] = [];
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: JobThreadOptions) {
    this.#options = options;
  }

  /**
   * @throws OverloadedError if too many jobs wait, or this one takes too long; ServiceUnavailableError; the signal's
   *   reason; Error if it fails
   */
  run(job: Job, signal?: AbortSignal): Promise<Answer> {
    const { mostJobs, tooMany, retryAfterMs } = this.#options;
    if (signal?.aborted) return Promise.reject(asError(signal.reason));
    if (this.#closed) return Promise.reject(shuttingDown());
    if (this.#jobs.length >= mostJobs) return Promise.reject(new OverloadedError(tooMany, retryAfterMs));
    let cancel: () => void = () => undefined;
    const answered = new Promise<Answer>((resolve, reject) => {
      const pending = { job, resolve, reject };
      cancel = () => this.#cancel(pending, asError(signal?.reason));
      this.#jobs.push(pending);
    });
    signal?.addEventListener('abort', cancel, { once: true });
    if (this.#jobs.length === 1) this.#begin();
    return answered.finally(() => signal?.removeEventListener('abort', cancel));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#jobs.splice(0)) reject(shuttingDown());
    await this.#drop();
  }

  #begin(): void {
    const { mostMs, mostFirstMs, idleMs } = this.#options;
    const [next] = this.#jobs;
    if (!next) {
      this.#worker?.unref();
      this.#waitAtMost(idleMs, () => void this.#drop());
      return;
    }
    this.#waitAtMost(this.#worker ? mostMs : mostFirstMs, () => this.#tooLong());
    this.#worker ??= this.#start();
    // While somebody waits, the process does not end.
    this.#worker.ref();
    this.#worker.postMessage(next.job);
  }

  #waitAtMost(ms: number, act: () => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms).unref();
  }

  #start(): Worker {
    const worker = this.#options.start();
    worker.on('message', (reply: JobReply<Answer>) => {
      if (worker === this.#worker) this.#take(reply);
    });
    worker.on('error', (error) => {
      if (worker === this.#worker) void this.#replace(this.#failure(error.message));
    });
    worker.on('exit', (code) => {
      if (worker === this.#worker) void this.#replace(this.#failure(`its thread ended with code ${code}`));
    });
    return worker;
  }

  #take(reply: JobReply<Answer>): void {
    const current = this.#jobs.shift();
    if (reply.type === 'done') current?.resolve(reply.answer);
    else current?.reject(this.#failure(reply.message));
    this.#begin();
  }

  #failure(message: string): Error {
    return new Error(`${this.#options.failed}: ${message}`);
  }

  #cancel(pending: Pending<Job, Answer>, reason: Error): void {
    const at = this.#jobs.indexOf(pending);
    if (at === 0) void this.#replace(reason);
    else if (at > 0) this.#jobs.splice(at, 1);
    pending.reject(reason);
  }

  #tooLong(): void {
    void this.#replace(new OverloadedError(this.#options.tooLong, this.#options.retryAfterMs));
  }

  /** Ends the current job with its thread, whatever it is doing, and goes on with the next one in another. */
  async #replace(reason: Error): Promise<void> {
    const failed = this.#jobs.shift();
    const dropped = this.#drop();
    failed?.reject(reason);
    await dropped;
    if (!this.#worker && !this.#closed && this.#jobs.length > 0) this.#begin();
  }

  async #drop(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}

function shuttingDown(): ServiceUnavailableError {
  return new ServiceUnavailableError('the server is shutting down');
}
