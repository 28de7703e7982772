import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSampling, type Engine, type GenerationRequest } from '../../../src/ml/engine.ts';
import { BeginningConstraint } from '../../../src/ml/sampling/beginning.ts';
import { allTokens } from '../../../src/ml/sampling/constraint.ts';
import { TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';

const texts = ['a', ' a', ' ', 'Snow', ', ', "'s", '\n', '雪', '</s>'];
const bytes = texts.map((text) => new TextEncoder().encode(text));
const vocabulary = {
  vocab: texts.length,
  bytesOf: (id: number) => bytes[id] ?? new Uint8Array(0),
  ends: new Set([texts.length - 1]),
};

describe('[GEN27] the first token of a continuation', () => {
  const open = (constraint: BeginningConstraint): string[] => {
    const allowed = allTokens(texts.length);
    constraint.mask(allowed);
    return texts.filter((_, id) => (((allowed[0] ?? 0) >>> id) & 1) === 1);
  };

  it('begins with the space that the text has, or no letter after a whole word; later ones are free', () => {
    const spaced = new BeginningConstraint('SPACED', vocabulary);
    expect(open(spaced)).toEqual([' a', ' ', '</s>']);
    expect(open(new BeginningConstraint('APART', vocabulary))).toEqual([' a', ' ', ', ', "'s", '\n', '雪', '</s>']);
    spaced.accept();
    expect(open(spaced)).toEqual(texts);
  });
});

describe('a model of random weights', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-beginning-'));
    engine = await tinyEngine(folder);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const requestFor = (content: string, seed: number): GenerationRequest => ({
    messages: [
      { role: 'user', content: 'write' },
      { role: 'assistant', content },
    ],
    continueLast: true,
    sampling: { ...defaultSampling, maxTokens: 8, seed },
  });

  async function write(request: GenerationRequest): Promise<{ text: string; ids: number[] }> {
    const written = { text: '', ids: [] as number[] };
    for await (const event of engine.admit(TINY).generate(request, new AbortController().signal)) {
      if (event.type !== 'tokens') continue;
      written.text += event.text;
      written.ids.push(...event.tokens.map(({ id }) => id));
    }
    return written;
  }

  it('[GEN27] goes on from a space as from the word before it, and from a crash with the same text', async () => {
    for (const seed of [1, 2, 3]) {
      const request = requestFor('the snow ', seed);
      const whole = await write(request);
      const rest = await write({ ...request, replay: whole.ids.slice(0, 1) });
      expect(whole.text.endsWith(rest.text)).toBe(true);
      expect(rest.ids).toEqual(whole.ids.slice(1));
    }
  });

  it('adds nothing to a whole word', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { text } = await write({ ...requestFor('the snow', seed), wordEnded: true });
      expect(text).not.toMatch(/^[a-z]/i);
    }
  });
});
