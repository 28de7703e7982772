import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { defaultSampling, type Engine, type GenerationRequest, type Token } from '../../../src/ml/engine.ts';
import { BannedPhrases } from '../../../src/ml/sampling/banned-phrases.ts';
import { allTokens } from '../../../src/ml/sampling/constraint.ts';
import { foldCase } from '../../../src/ml/text/fold-case.ts';
import type { Lexicon } from '../../../src/ml/text/token-texts.ts';
import { Utf8Stream } from '../../../src/ml/text/utf8-stream.ts';
import { TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';

const encode = (text: string) => new TextEncoder().encode(text);

describe('[GEN15] banned phrases', () => {
  const letters = ['a', 'b', 'B', 'é', 'É', 'σ', 'ς', 'ß', 's', '夜', '🎵', ' '];

  /** Tokens of one to four characters and of pieces of characters, an empty one among them. */
  function randomLexicon(random: () => number): Lexicon {
    const word = () =>
      Array.from({ length: 1 + Math.floor(random() * 4) }, () => letters[Math.floor(random() * letters.length)]).join(
        '',
      );
    const bytes = encode('é夜🎵É');
    const pieces = Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1 + Math.floor(random() * 2)));
    const mixed = Array.from({ length: 6 }, () => encode(word()).slice(Math.floor(random() * 2), -1));
    const tokens = [new Uint8Array(0), ...letters.map(encode), ...Array.from({ length: 60 }, () => encode(word()))];
    const all = [...tokens, ...pieces, ...mixed];
    return { vocab: all.length, bytesOf: (id) => all[id] ?? new Uint8Array(0) };
  }

  it('forbids the tokens that would complete one and no others, however they are divided', () => {
    const random = randomStream(21);
    let forbidden = 0;
    for (let round = 0; round < 150; round++) {
      const lexicon = randomLexicon(random);
      const phrases = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
        Array.from({ length: 1 + Math.floor(random() * 4) }, () => letters[Math.floor(random() * letters.length)]).join(
          '',
        ),
      );
      const before = random() < 0.5 ? '' : letters[Math.floor(random() * letters.length)]!;
      const banned = new BannedPhrases(phrases, lexicon, before);
      const utf8 = new Utf8Stream();
      let text = before;
      for (let step = 0; step < 12; step++) {
        const allowed = allTokens(lexicon.vocab);
        banned.mask(allowed);
        const isAllowed = (id: number) => ((allowed[id >> 5]! >> (id & 31)) & 1) === 1;
        const completes = (id: number) => {
          const next = foldCase(text + utf8.peek(lexicon.bytesOf(id)));
          return phrases
            .map(foldCase)
            .some((phrase) => next.includes(phrase, foldCase(text).length - phrase.length + 1));
        };
        const ids = [...Array(lexicon.vocab).keys()];
        expect(ids.filter((id) => !isAllowed(id))).toEqual(ids.filter(completes));
        forbidden += ids.filter(completes).length;
        const open = ids.filter(isAllowed);
        const next = open[Math.floor(random() * open.length)]!;
        banned.accept(next);
        text += utf8.push(lexicon.bytesOf(next));
      }
      const written = foldCase(text).slice(foldCase(before).length);
      for (const phrase of phrases) expect(written).not.toContain(foldCase(phrase));
    }
    expect(forbidden).toBeGreaterThan(1000);
  });

  it('folds a text in pieces as it folds the whole', () => {
    expect(foldCase('ÉCOLE ΟΔΟΣ ẞ İ')).toBe(foldCase('ÉCOLE ΟΔΟ') + foldCase('Σ ẞ ') + foldCase('İ'));
    expect(foldCase('Σίσυφος ẞ')).toBe(foldCase('ΣΊΣΥΦΟΣ ss'));
  });
});

describe('[GEN15] an engine', () => {
  let folder: string;
  let engine: Engine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
    engine = await tinyEngine(folder);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const plain: GenerationRequest = {
    messages: [{ role: 'user', content: 'Write.' }],
    sampling: { ...defaultSampling, temperature: 1, maxTokens: 60, seed: 5 },
  };
  const steered = (changes: Partial<GenerationRequest['sampling']>): GenerationRequest => ({
    ...plain,
    sampling: { ...plain.sampling, ...changes },
  });

  async function write(request: GenerationRequest): Promise<{ text: string; tokens: Token[] }> {
    const tokens: Token[] = [];
    for await (const event of engine.admit(TINY).generate(request, new AbortController().signal)) {
      if (event.type === 'tokens') tokens.push(...event.tokens);
    }
    return { text: tokens.map(({ text }) => text).join(''), tokens };
  }

  it('writes none of them, and the same text after a replay', async () => {
    const { text: free } = await write(plain);
    // Pieces of what it would write: two characters, over the border of two tokens as a rule.
    const bannedPhrases = [free.slice(0, 2), free.slice(9, 11), free.slice(20, 21)].filter(
      (one) => !one.includes('\uFFFD'),
    );
    expect(bannedPhrases.length).toBeGreaterThan(1);
    const request = steered({ bannedPhrases });
    const { text, tokens } = await write(request);
    for (const phrase of bannedPhrases) expect(foldCase(text)).not.toContain(foldCase(phrase));
    for (const cut of [1, 7, 30, 59]) {
      const rest = await write({ ...request, replay: tokens.slice(0, cut).map(({ id }) => id) });
      expect(tokens.slice(0, cut).concat(rest.tokens)).toEqual(tokens);
    }
  });

  it('considers the end of a text that it continues', async () => {
    const messages = [...plain.messages, { role: 'assistant' as const, content: 'and then h' }];
    const goOn = (seed: number, bannedPhrases: string[]) => {
      const sampling = { logitBias: [{ text: 'e', bias: 100 }], seed, bannedPhrases };
      return write({ ...steered(sampling), messages, continueLast: true });
    };
    // The bias raises "e" and " e" alike: which comes first, the seed decides.
    const free = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(async (seed) => ({ seed, ...(await goOn(seed, [])) })));
    const completing = free.find(({ text }) => text[0] === 'e');
    expect(completing).toBeDefined();
    const { text: banned } = await goOn(completing!.seed, ['HE']);
    expect(banned[0]).not.toBe('e');
    expect(banned).toContain('e');
  });

  it('writes a biased text of several tokens, and no control token that is spelled out', async () => {
    const { text } = await write(steered({ logitBias: [{ text: 'so', bias: 60 }], maxTokens: 8 }));
    expect(text).toMatch(/so/);
    const { tokens } = await write(steered({ logitBias: [{ text: '<|im_end|>', bias: 60 }], maxTokens: 10 }));
    expect(tokens.map(({ text }) => text).join('')).toMatch(/^ ?<\|im_end\|/);
  });
});
