import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/lib/log.ts';
import { createEngine, defaultSampling, type Engine, type GenerationRequest, type Token } from '../../src/ml/engine.ts';
import { realDataDir, realModel } from '../support/models/real-model.ts';

const id = 'smollm2-135m-instruct';
const request: GenerationRequest = {
  messages: [{ role: 'user', content: 'What is the capital of France? Answer in one sentence.' }],
  sampling: { ...defaultSampling, maxTokens: 48, seed: 7 },
};

// Once for all files that use it.

describe.skipIf(realModel === null)('the real model', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = createEngine({ dataDir: realDataDir, threads: 2, fetch: 'off', log: silentLogger });
    await engine.whenReady(id);
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  async function write(changes: Partial<GenerationRequest> = {}) {
    const events = engine.admit(id).generate({ ...request, ...changes }, new AbortController().signal);
    const tokens: Token[] = [];
    let reason = '';
    for await (const event of events) {
      if (event.type === 'tokens') tokens.push(...event.tokens);
      if (event.type === 'finished') reason = event.reason;
    }
    return { text: tokens.map(({ text }) => text).join(''), tokens, reason };
  }

  it('answers a question, and ends by itself', async () => {
    const { text, reason } = await write({ sampling: { ...request.sampling, temperature: 0 } });
    expect(text).toContain('Paris');
    expect(reason).toBe('STOP');
  });

  it('[GEN1][GEN9] writes the same text for the same seed, uninterrupted and resumed', async () => {
    const whole = await write();
    expect(await write()).toEqual(whole);
    for (const done of [1, 7, whole.tokens.length - 1]) {
      const rest = await write({ replay: whole.tokens.slice(0, done).map((token) => token.id) });
      expect([...whole.tokens.slice(0, done), ...rest.tokens]).toEqual(whole.tokens);
    }
  });

  it('[GEN6] writes Chinese and emoji in whole characters, each of several tokens', async () => {
    // Whatever the processor's rounding, a model goes on with what it has seen five times.
    const line = '🎵 春眠不觉晓，处处闻啼鸟。🎶 夜来风雨声，花落知多少。\n';
    const messages = [
      { role: 'user' as const, content: 'Repeat the song again and again.' },
      { role: 'assistant' as const, content: line.repeat(5) },
    ];
    const sampling = { ...request.sampling, maxTokens: 60, temperature: 0, repetitionPenalty: 1 };
    const { text, tokens } = await write({ messages, continueLast: true, sampling });
    expect(line.repeat(5)).toContain(text.slice(0, 20));
    expect(text.slice(0, -1)).not.toContain('\uFFFD');
    expect(tokens.some((token) => token.text === '')).toBe(true);
  });
});
