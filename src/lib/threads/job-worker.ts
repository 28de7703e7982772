import type { MessagePort } from 'node:worker_threads';

export type JobReply<Answer> = { type: 'done'; answer: Answer } | { type: 'failed'; message: string };

/** In a `JobThread`'s worker: sends what a job's work results in. */
export async function answerJob<Answer>(port: MessagePort | null, work: () => Answer | Promise<Answer>): Promise<void> {
  const reply = (answer: JobReply<Answer>) => port?.postMessage(answer);
  try {
    reply({ type: 'done', answer: await work() });
  } catch (error) {
    reply({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
