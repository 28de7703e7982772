import type { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ModelUnavailableError } from '../../../src/lib/errors.ts';
import type * as workers from '../../../src/lib/threads/worker.ts';
import { defaultSampling, type Engine, type GenerationEvent, type GenerationRequest } from '../../../src/ml/engine.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TINY, tinyEngine, writeTirelessCatalogue } from '../../support/tiny/tiny-engine.ts';

const threads = vi.hoisted(() => [] as Worker[]);
vi.mock('../../../src/lib/threads/worker.ts', async (original) => {
  const { startWorker } = await original<typeof workers>();
  const keep: typeof startWorker = (...args) => {
    const worker = startWorker(...args);
    if (args[1].endsWith('writer-worker')) threads.push(worker);
    return worker;
  };
  return { startWorker: keep };
});

const request = (maxTokens: number): GenerationRequest => ({
  messages: [{ role: 'user', content: 'Write.' }],
  sampling: { ...defaultSampling, maxTokens, seed: 3 },
});

/** @returns the last event */
async function write(engine: Engine, maxTokens: number, onTokens = (): void => undefined): Promise<GenerationEvent> {
  let last: GenerationEvent | null = null;
  for await (const event of engine.admit(TINY).generate(request(maxTokens), new AbortController().signal)) {
    if (event.type === 'tokens') onTokens();
    last = event;
  }
  if (!last) throw new Error('there was no event');
  return last;
}

it('[GEN8] a thread that dies fails its drafts with the reason, waiting ones too, and the next draft gets another thread', async () => {
  const folder = await temporaryFolder();
  const catalogueFile = await writeTirelessCatalogue(folder);
  const engine = await tinyEngine(folder, { catalogueFile, slots: 1 });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  const ends = await new Promise<Promise<GenerationEvent>[]>((resolve) => {
    const written = write(engine, 4000, () => resolve([written, waiting]));
    const waiting = write(engine, 10);
  });
  const settled = Promise.allSettled(ends);
  await threads.at(-1)?.terminate();
  for (const end of await settled) {
    expect(end).toMatchObject({ status: 'rejected', reason: expect.any(ModelUnavailableError) as unknown });
    expect(end).toMatchObject({ reason: { message: expect.stringContaining('thread ended') as string } });
  }
  expect(await write(engine, 10)).toMatchObject({ type: 'finished', reason: 'LENGTH' });
});
