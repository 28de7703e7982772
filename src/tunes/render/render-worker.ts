import { parentPort } from 'node:worker_threads';
import { answerJob } from '../../lib/threads/job-worker.ts';
import type { Performance } from './performance.ts';
import { engrave } from './sheet.ts';
import { renderWav } from './sound.ts';

export type RenderJob =
  { type: 'svg'; abc: string; width: number } | { type: 'wav'; performance: Performance; program: number };

async function render(job: RenderJob): Promise<string | Uint8Array> {
  return job.type === 'svg' ? engrave(job.abc, job.width) : renderWav(job.performance, job.program);
}

parentPort?.on('message', (job: RenderJob) => void answerJob(parentPort, () => render(job)));
