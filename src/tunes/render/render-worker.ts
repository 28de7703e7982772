import { type MessagePort, parentPort } from 'node:worker_threads';
import type { Performance } from './performance.ts';
import { engrave } from './sheet.ts';
import { renderWav } from './sound.ts';

export type RenderJob =
  { type: 'svg'; abc: string; width: number } | { type: 'wav'; performance: Performance; program: number };
export type RenderReport = { type: 'done'; result: string | Uint8Array } | { type: 'failed'; message: string };

/** Renders one job after the other. */
function serve(port: MessagePort): void {
  port.on('message', (job: RenderJob) => {
    render(job).then(
      (result) => port.postMessage({ type: 'done', result } satisfies RenderReport),
      (error: unknown) =>
        port.postMessage({ type: 'failed', message: error instanceof Error ? error.message : String(error) }),
    );
  });
}

async function render(job: RenderJob): Promise<string | Uint8Array> {
  return job.type === 'svg' ? engrave(job.abc, job.width) : renderWav(job.performance, job.program);
}

if (parentPort) serve(parentPort);
