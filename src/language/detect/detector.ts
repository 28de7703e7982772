import { JobThread } from '../../lib/threads/job-thread.ts';
import { startWorker } from '../../lib/threads/worker.ts';
import type { DetectedLanguage } from '../contract.ts';

/** Tells languages apart, in a thread that is started for the first text. */
export class LanguageDetector implements AsyncDisposable {
  readonly #jobs = new JobThread<readonly string[], readonly DetectedLanguage[]>({
    start: () => startWorker(import.meta.url, './detect-worker'),
    mostJobs: 256,
    mostMs: 30_000,
    mostFirstMs: 60_000,
    // Its word statistics take 80 MB.
    idleMs: 5 * 60_000,
    tooMany: 'too many languages are being detected',
    tooLong: 'the texts take too long at the moment',
    failed: 'languages cannot be detected',
    retryAfterMs: 1_000,
  });

  /** @throws as `JobThread.run` */
  detect(texts: readonly string[], signal: AbortSignal): Promise<readonly DetectedLanguage[]> {
    return this.#jobs.run(texts, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#jobs[Symbol.asyncDispose]();
  }
}
