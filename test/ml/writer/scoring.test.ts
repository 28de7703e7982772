import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scoreTokens } from '../../../src/language/language.ts';
import { InvalidInputError } from '../../../src/lib/errors.ts';
import { defaultSampling, type Engine } from '../../../src/ml/engine.ts';
import { TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadenza-scoring-'));
  engine = await tinyEngine(folder);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const score = (text: string, signal = new AbortController().signal) =>
  scoreTokens(engine, text, { listener: 1, signal });

async function draft(seed: number): Promise<void> {
  const request = { messages: [{ role: 'user', content: 'write' } as const], sampling: { ...defaultSampling, seed } };
  for await (const _ of engine.admit(TINY).generate(request, new AbortController().signal));
}

describe('[SCORE1] the tokens of a text', () => {
  it('cover it without gaps, and have the same bits alone, beside others and beside drafts', async () => {
    const texts = ['The snow fell on the harbour — 雪.', 'I went two the shop'];
    const alone = [];
    for (const text of texts) alone.push(await score(text));
    const [one, other] = await Promise.all([score(texts[0]!), score(texts[1]!), draft(1), draft(2)]);
    expect([one, other]).toEqual(alone);
    for (const [i, tokens] of alone.entries()) {
      expect(tokens.map(({ text }) => text).join('')).toBe(texts[i]);
      expect(tokens.at(-1)?.end).toBe(Array.from(texts[i]!).length);
      for (const [at, { start, logprob }] of tokens.entries()) {
        expect(start).toBe(at === 0 ? 0 : tokens[at - 1]?.end);
        expect(logprob).toBeLessThanOrEqual(0);
      }
    }
  });

  it('have the probabilities that a draft’s tokens have', async () => {
    const messages = [{ role: 'user', content: 'Write a text.' } as const];
    const sampling = { ...defaultSampling, seed: 5, maxTokens: 12 };
    const written = { text: '', logprobs: [] as number[] };
    for await (const event of engine.admit(TINY).generate({ messages, sampling }, new AbortController().signal)) {
      if (event.type !== 'tokens') continue;
      written.text += event.text;
      written.logprobs.push(...event.tokens.map(({ logprob }) => logprob));
    }
    const scored = await score(written.text);
    // A text may be read in other tokens than it was written with: the first is the same unless that is so.
    const common = scored.findIndex(({ logprob }, i) => logprob !== written.logprobs[i]);
    expect(common === -1 ? scored.length : common).toBeGreaterThan(0);
  });

  it('are refused where there are too many, and end with the request', async () => {
    await expect(score('x'.repeat(4_000))).rejects.toBeInstanceOf(InvalidInputError);
    await expect(score('')).rejects.toBeInstanceOf(InvalidInputError);
    const left = AbortSignal.abort(new Error('gone'));
    await expect(score('The snow', left)).rejects.toThrow('gone');
    expect(await score('The snow')).not.toHaveLength(0);
  });
});
