import { expect, it, onTestFinished } from 'vitest';
import { defaultSampling, type Engine, type GenerationRequest } from '../../../src/ml/engine.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';

const ALTERNATIVES = 8;
const messages = [{ role: 'user' as const, content: 'Rain on the roof and the long road home. '.repeat(4) }];
const request = (seed: number, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  messages,
  sampling: { ...defaultSampling, temperature: 2, topK: 0, topP: 1, maxTokens: 20, seed },
  ...more,
});

async function openEngine(): Promise<Engine> {
  const engine = await tinyEngine(await temporaryFolder());
  onTestFinished(() => engine[Symbol.asyncDispose]());
  return engine;
}

async function write(engine: Engine, asked: GenerationRequest, signal = new AbortController().signal) {
  using ticket = engine.admit(TINY, asked);
  let [text, prompt] = ['', 0];
  for await (const event of ticket.generate(asked, signal)) {
    if (event.type === 'started') prompt = event.promptTokens;
    else if (event.type === 'tokens') text += event.text;
  }
  return { text, prompt };
}

const prefilled = (engine: Engine): number => engine.load()[0]?.writer?.prefilledTokens ?? 0;
const seeds = Array.from({ length: ALTERNATIVES }, (_, i) => i + 1);

it('[GEN26] drafts that begin together with one prompt process it once, and each is what it would be alone', async () => {
  const [together, apart] = [await openEngine(), await openEngine()];
  const written = await Promise.all(seeds.map((seed) => write(together, request(seed))));
  const [{ prompt } = { prompt: 0 }] = written;
  expect(prompt).toBeGreaterThan(50);
  // What reaches the engine a step later finds it among the kept prompts, where the last two tokens are left over.
  expect(prefilled(together)).toBeLessThanOrEqual(prompt + 2 * (ALTERNATIVES - 1));
  for (const [i, seed] of seeds.entries()) expect(written[i]).toEqual(await write(apart, request(seed)));
  expect(new Set(written.map(({ text }) => text)).size).toBe(ALTERNATIVES);
});

it('[GEN26] a draft that goes on after the one whose prompt it shared was cancelled is what it would be alone', async () => {
  const engine = await openEngine();
  const cancelled = AbortSignal.abort();
  const [, kept] = await Promise.all([write(engine, request(1), cancelled), write(engine, request(2))]);
  expect(kept).toEqual(await write(await openEngine(), request(2)));
});

it('[GEN26] a resumed draft shares the prompt too', async () => {
  const engine = await openEngine();
  using ticket = engine.admit(TINY, request(3));
  const replay: number[] = [];
  let whole = '';
  for await (const event of ticket.generate(request(3), new AbortController().signal)) {
    if (event.type !== 'tokens') continue;
    whole += event.text;
    replay.push(...event.tokens.map(({ id }) => id));
  }
  const fresh = await openEngine();
  const [other, rest] = await Promise.all([
    write(fresh, request(4)),
    write(fresh, request(3, { replay: replay.slice(0, 9) })),
  ]);
  expect(whole.endsWith(rest.text) && rest.text !== '').toBe(true);
  expect(prefilled(fresh)).toBeLessThanOrEqual(other.prompt + 2);
});
