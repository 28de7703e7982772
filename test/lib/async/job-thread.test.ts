import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JobThread, type JobThreadOptions } from '../../../src/lib/threads/job-thread.ts';

/** Answers a number with its double, fails for -1, ends its thread for -2, and never answers 0. */
const doubling = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (n) => {
    if (n === -2) process.exit(3);
    if (n === -1) parentPort.postMessage({ type: 'failed', message: 'it is negative' });
    if (n > 0) parentPort.postMessage({ type: 'done', answer: 2 * n });
  });`;

function doubler(changes: Partial<JobThreadOptions> = {}) {
  const started: Worker[] = [];
  const start = (): Worker => {
    const worker = new Worker(doubling, { eval: true });
    started.push(worker);
    return worker;
  };
  const limits = { mostJobs: 4, mostMs: 60_000, mostFirstMs: 60_000, idleMs: 60_000, retryAfterMs: 7 };
  const texts = { tooMany: 'too many', tooLong: 'too long', failed: 'cannot be doubled' };
  const thread = new JobThread<number, number>({ start, ...limits, ...texts, ...changes });
  onTestFinished(() => thread[Symbol.asyncDispose]());
  return { thread, started };
}

describe('a thread for jobs', () => {
  it('answers one after the other, and refuses more than may wait', async () => {
    const { thread, started } = doubler();
    const answers = [1, 2, 3, 4].map((n) => thread.run(n));
    await expect(thread.run(5)).rejects.toMatchObject({ message: 'too many', retryAfterMs: 7 });
    expect(await Promise.all(answers)).toEqual([2, 4, 6, 8]);
    expect(started).toHaveLength(1);
  });

  it('tells of a job that fails, and goes on in the same thread', async () => {
    const { thread, started } = doubler();
    const [failed, next] = [thread.run(-1), thread.run(3)];
    await expect(failed).rejects.toThrow('cannot be doubled: it is negative');
    expect(await next).toBe(6);
    expect(started).toHaveLength(1);
  });

  it('replaces a thread that ends, and only its job fails', async () => {
    const { thread, started } = doubler();
    const [failed, next] = [thread.run(-2), thread.run(3)];
    await expect(failed).rejects.toThrow('cannot be doubled: its thread ended with code 3');
    expect(await next).toBe(6);
    expect(started).toHaveLength(2);
  });

  it('replaces a thread that takes too long', async () => {
    const { thread, started } = doubler({ mostFirstMs: 1 });
    await expect(thread.run(0)).rejects.toMatchObject({ message: 'too long', retryAfterMs: 7 });
    expect(started).toHaveLength(1);
  });

  it('ends a job that is cancelled, whether it runs or waits', async () => {
    const { thread, started } = doubler();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const answers = [thread.run(0, running.signal), thread.run(1), thread.run(2, waiting.signal)];
    waiting.abort(new Error('left'));
    await expect(answers[2]).rejects.toThrow('left');
    running.abort(new Error('gone'));
    await expect(answers[0]).rejects.toThrow('gone');
    expect(await answers[1]).toBe(2);
    expect(started).toHaveLength(2);
    await expect(thread.run(1, running.signal)).rejects.toThrow('gone');
  });

  it('ends when idle, and starts again for the next job', async () => {
    const { thread, started } = doubler({ idleMs: 1 });
    expect(await thread.run(1)).toBe(2);
    await new Promise((resolve) => started[0]!.once('exit', resolve));
    expect(await thread.run(2)).toBe(4);
    expect(started).toHaveLength(2);
  });

  it('fails what waits when it is disposed', async () => {
    const { thread } = doubler();
    const answer = thread.run(0);
    const failed = expect(answer).rejects.toThrow('the server is shutting down');
    await thread[Symbol.asyncDispose]();
    await failed;
    await expect(thread.run(1)).rejects.toThrow('the server is shutting down');
  });
});
