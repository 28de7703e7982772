import { JobThread } from '../lib/threads/job-thread.ts';
import { startWorker } from '../lib/threads/worker.ts';
import { loadVerseWords } from '../verse/verse.ts';
import type { TextReport } from './contract.ts';
import type { ReportAnswer, ReportJob } from './report-worker.ts';

const MOST_MEMORY_MB = 384;

/** Analyses one text at a time on a thread of its own. */
export class ReportThread implements AsyncDisposable {
  readonly #jobs = new JobThread<ReportJob, ReportAnswer>({
    start: () =>
      startWorker(import.meta.url, './report-worker', { resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB } }),
    mostJobs: 32,
    mostMs: 20_000,
    // Loading the libraries takes a second, and more where everything is compiled at every start.
    mostFirstMs: 60_000,
    // The libraries take about 100 MB.
    idleMs: 60_000,
    tooMany: 'too many texts are being analysed',
    tooLong: 'the text takes too long to analyse at the moment',
    failed: 'the text cannot be analysed',
    retryAfterMs: 2_000,
  });

  /** @throws as `JobThread.run` */
  async analyse(text: string, signal?: AbortSignal): Promise<TextReport> {
    const answer = await this.#jobs.run({ text }, signal);
    if (answer !== 'NEEDS_WORDS') return answer;
    // The words of verse are loaded when the first verse is analysed.
    const report = await this.#jobs.run({ text, words: await loadVerseWords() }, signal);
    if (report === 'NEEDS_WORDS') throw new Error('the words of verse were sent, and are asked for again');
    return report;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#jobs[Symbol.asyncDispose]();
  }
}
