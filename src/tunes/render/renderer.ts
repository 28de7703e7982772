import { createHash } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { startWorker } from '../../lib/async/worker.ts';
import { OverloadedError } from '../../lib/errors.ts';
import type { RenderJob, RenderReport } from './render-worker.ts';

/** Jobs that wait or run. One more is refused. */
const MOST_JOBS = 32;
/** Time limit of one job, after which its thread is replaced. */
const MOST_MS = 30_000;
const CACHE_BYTES = 64 * 2 ** 20;
const RETRY_AFTER_MS = 1_000;

interface Pending {
  job: RenderJob;
  resolve: (result: string | Uint8Array) => void;
  reject: (reason: unknown) => void;
}

/**
 * Runs rendering on a thread of its own, one job at a time, and keeps what was rendered recently. A thread that fails or
 * takes too long is replaced, and only its job fails.
 */
export class RenderThread implements AsyncDisposable {
  readonly #jobs: Pending[] = [];
  readonly #cache = new LRUCache<string, Promise<string | Uint8Array>>({ max: 200 });
  readonly #sizes = new LRUCache<string, string | Uint8Array>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (result) => result.length + 1,
    dispose: (_, key) => this.#cache.delete(key),
  });
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  /** @throws OverloadedError if too many jobs wait; Error if it cannot be rendered */
  render(job: RenderJob): Promise<string | Uint8Array> {
    const key = createHash('sha256').update(JSON.stringify(job)).digest('base64url');
    const known = this.#cache.get(key);
    if (known) return known;
    const result = this.#enqueue(job);
    this.#cache.set(key, result);
    result.then(
      (rendered) => this.#sizes.set(key, rendered),
      () => this.#cache.delete(key),
    );
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#jobs.splice(0)) reject(new Error('the server is shutting down'));
    await this.#drop();
  }

  #enqueue(job: RenderJob): Promise<string | Uint8Array> {
    if (this.#closed || this.#jobs.length >= MOST_JOBS)
      return Promise.reject(new OverloadedError('too many tunes are being rendered', RETRY_AFTER_MS));
    return new Promise((resolve, reject) => {
      this.#jobs.push({ job, resolve, reject });
      if (this.#jobs.length === 1) this.#begin();
    });
  }

  #begin(): void {
    const [next] = this.#jobs;
    if (!next) return;
    this.#worker ??= this.#start();
    this.#timer = setTimeout(() => void this.#replace('rendering took too long'), MOST_MS).unref();
    this.#worker.postMessage(next.job);
  }

  #start(): Worker {
    const worker = startWorker(import.meta.url, './render-worker');
    worker.unref();
    worker.on('message', (report: RenderReport) => this.#finish(report));
    worker.on('error', (error) => void this.#replace(error.message, worker));
    return worker;
  }

  #finish(report: RenderReport): void {
    if (this.#timer) clearTimeout(this.#timer);
    const done = this.#jobs.shift();
    if (report.type === 'done') done?.resolve(report.result);
    else done?.reject(new Error(`the tune cannot be rendered: ${report.message}`));
    this.#begin();
  }

  async #replace(message: string, failed: Worker | null = this.#worker): Promise<void> {
    if (failed !== this.#worker) return;
    await this.#drop();
    this.#finish({ type: 'failed', message });
  }

  async #drop(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}
