import { expect, it, onTestFinished, vi } from 'vitest';
import { fingerprintOf } from '../../../src/ml/decoder/fingerprint.ts';
import { defaultSampling, type EngineOptions, type GenerationEvent } from '../../../src/ml/engine.ts';
import * as processor from '../../../src/ml/ort/processor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TINY, tinyEngine, writeTinyCatalogue } from '../../support/tiny/tiny-engine.ts';
import type { TinyModel } from '../../support/tiny/tiny-gguf.ts';

/** What a node of its own says: of itself, and with a draft. */
async function nodeWith(model: TinyModel = {}, options: Partial<EngineOptions> = {}) {
  const folder = await temporaryFolder();
  await using engine = await tinyEngine(folder, { catalogueFile: await writeTinyCatalogue(folder, model), ...options });
  const request = {
    messages: [{ role: 'user', content: 'The sea' } as const],
    sampling: { ...defaultSampling, seed: 1, maxTokens: 3 },
  };
  const events: GenerationEvent[] = [];
  for await (const event of engine.admit(TINY).generate(request, new AbortController().signal)) events.push(event);
  return { own: engine.models().find(({ id }) => id === TINY)?.fingerprint, started: events[0] };
}

it('[OWN8] nodes with the same graph, runtime and processor have one fingerprint, whatever their threads', async () => {
  const { own, started } = await nodeWith();
  expect(own).toMatch(/^[0-9a-f]{16}$/);
  expect(started).toMatchObject({ type: 'started', computedBy: own });
  expect((await nodeWith({}, { threads: 5, slots: 2 })).own).toBe(own);
  expect((await nodeWith({ seed: 9 })).own).not.toBe(own);
});

it('[OWN8] a model that is not READY has no fingerprint', async () => {
  const folder = await temporaryFolder();
  const engine = await tinyEngine(folder);
  await engine[Symbol.asyncDispose]();
  expect(engine.models().find(({ id }) => id === TINY)).toMatchObject({ status: 'ABSENT', fingerprint: null });
});

it('[OWN8] other instructions of the processor, and another graph, make another fingerprint', () => {
  const here = fingerprintOf({ digest: 'graph' }, { type: 'cpu' });
  expect(fingerprintOf({ digest: 'graph' }, { type: 'cpu' })).toBe(here);
  expect(fingerprintOf({ digest: 'graph of integers' }, { type: 'cpu' })).not.toBe(here);
  const features = vi.spyOn(processor, 'kernelFeatures').mockReturnValue(['x64', 'avx2']);
  onTestFinished(() => features.mockRestore());
  const avx2 = fingerprintOf({ digest: 'graph' }, { type: 'cpu' });
  features.mockReturnValue(['x64', 'avx2', 'avx512f']);
  expect(fingerprintOf({ digest: 'graph' }, { type: 'cpu' })).not.toBe(avx2);
});
