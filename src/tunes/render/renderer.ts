import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { JobThread } from '../../lib/threads/job-thread.ts';
import { startWorker } from '../../lib/threads/worker.ts';
import type { RenderJob } from './render-worker.ts';

const CACHE_BYTES = 64 * 2 ** 20;

type Rendered = string | Uint8Array;

/** Renders on a thread of its own, one job at a time, and keeps what was rendered recently. */
export class RenderThread implements AsyncDisposable {
  readonly #jobs = new JobThread<RenderJob, Rendered>({
    start: () => startWorker(import.meta.url, './render-worker'),
    mostJobs: 32,
    mostMs: 30_000,
    mostFirstMs: 60_000,
    idleMs: 5 * 60_000,
    tooMany: 'too many tunes are being rendered',
    tooLong: 'the tune takes too long to render at the moment',
    failed: 'the tune cannot be rendered',
    retryAfterMs: 1_000,
  });
  readonly #cache = new LRUCache<string, Promise<Rendered>>({ max: 200 });
  readonly #sizes = new LRUCache<string, Rendered>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (result) => result.length + 1,
    dispose: (_, key) => this.#cache.delete(key),
  });

  /** @throws as `JobThread.run` */
  render(job: RenderJob): Promise<Rendered> {
    const key = createHash('sha256').update(JSON.stringify(job)).digest('base64url');
    const known = this.#cache.get(key);
    if (known) return known;
    const result = this.#jobs.run(job);
    this.#cache.set(key, result);
    result.then(
      (rendered) => this.#sizes.set(key, rendered),
      () => this.#cache.delete(key),
    );
    return result;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#jobs[Symbol.asyncDispose]();
  }
}
