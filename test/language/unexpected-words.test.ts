import { describe, expect, it, onTestFinished } from 'vitest';
import { confusedWith, createLanguage, type ScoredToken, unexpectedWords } from '../../src/language/language.ts';
import { Lifetime } from '../../src/lib/lifetime.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createEngine } from '../../src/ml/engine.ts';
import { type ScoringOptions, TextScoring } from '../../src/resolvers/language/scoring.ts';
import { findUnexpectedWords } from '../../src/resolvers/language/unexpected-words.ts';
import { loadVerseWords } from '../../src/verse/verse.ts';
import { realDataDir, realModel } from '../support/models/real-model.ts';
import { eventually } from '../support/time/eventually.ts';

/** A model whose tokens are words, and which finds these unlikely wherever they stand. */
function scorer(bits: Record<string, number>) {
  const scored: string[] = [];
  const score = (text: string): Promise<ScoredToken[]> => {
    scored.push(text);
    let end = 0;
    const tokens = (text.match(/\s*\S+|\s+$/g) ?? []).map((token) => {
      const start = end;
      end += Array.from(token).length;
      const word = token.trim().replace(/[.,;!?]+$/, '');
      return { text: token, start, end, logprob: -(bits[word] ?? 1) * Math.LN2, alternatives: [] };
    });
    return Promise.resolve(tokens);
  };
  return { score, scored };
}

const pairs: Record<string, readonly string[]> = { form: ['from'], its: ["it's"], quite: ['quiet'] };
const find = async (text: string, bits: Record<string, number>, others = pairs) => {
  const { score, scored } = scorer(bits);
  const confused = (word: string): readonly string[] => others[word] ?? [];
  return { found: await unexpectedWords(text, await score(text), { confusedWith: confused, score }), scored };
};

describe('unexpected words', () => {
  it('[SCORE3] are those in whose place another makes the sentence 6 bits likelier, and no others', async () => {
    const text = 'He walked home form the sea.';
    const { found } = await find(text, { form: 12, from: 6 });
    expect(found).toEqual([{ start: 15, end: 19, text: 'form', meant: 'from', bits: 17, bitsIfMeant: 11 }]);
    expect((await find(text, { form: 12, from: 6.5 })).found).toEqual([]);
    // It does not surprise: nothing is tried.
    expect((await find(text, { form: 6.5, from: 0 })).scored).toEqual([text]);
  });

  it('[SCORE3] keep the capital and the apostrophe that were typed, and are found behind characters of two units', async () => {
    const { found } = await find('🙂 Form here. FORM it. Its', { Form: 14, FORM: 14, Its: 14 });
    expect(found.map(({ start, text, meant }) => [start, text, meant])).toEqual([
      [3, 'Form', 'From'],
      [14, 'FORM', 'FROM'],
      [23, 'Its', "It's"],
    ]);
    expect((await find('it’s long', { 'it’s': 14 }, { "it's": ["they're"] })).found[0]?.meant).toBe('they’re');
  });

  it('[SCORE3] are judged in their sentence, from what stands before it on', async () => {
    const { scored } = await find('One. Two quite three. Four.', { quite: 14, quiet: 14 });
    expect(scored).toEqual(['One. Two quite three. Four.', 'One. Two quite three.', 'One. Two quiet three.']);
  });

  it('[SCORE3] take a bounded number of tries, however many words can be confused', async () => {
    const others = { form: ['a', 'b', 'c', 'd', 'e', 'f'] };
    const { scored } = await find('form '.repeat(200), { form: 14 }, others);
    expect(scored).toHaveLength(1 + 12 * (1 + 4));
  });

  it('[SCORE3] are tried with what sounds alike and with what is written alike', async () => {
    const words = await loadVerseWords();
    expect(confusedWith(words, 'there')).toEqual(['their', "they're"]);
    expect(confusedWith(words, 'form')).toEqual(['from']);
    expect(confusedWith(words, 'sun')).toEqual(['son']);
    expect(confusedWith(words, 'xyzzy')).toEqual([]);
  });
});

describe.skipIf(realModel === null)('with the built-in writer', () => {
  it('[SCORE3] words written for others are found, and none where all is right or in French', async () => {
    const engine = createEngine({ dataDir: realDataDir, threads: 1, fetch: 'off', log: silentLogger });
    onTestFinished(() => engine[Symbol.asyncDispose]());
    await eventually(() => {
      expect(engine.defaultModel('TEXT_GENERATION')?.status).toBe('READY');
    });
    await using language = createLanguage({
      ...{ vectors: engine, translation: engine, dataDir: realDataDir },
      encoder: () => engine.defaultModel('EMBEDDING'),
    });
    const read: number[] = [];
    const meter: ScoringOptions['meter'] = { readText: (_, work) => work(({ tokensIn }) => read.push(tokensIn)) };
    const scoring = new TextScoring({ engine, meter, mostAtOnce: { listener: 1, visitor: 1 } });
    const listener = { id: 1, externalId: 'ann', displayName: 'Ann', createdAt: new Date(), simulated: false };
    const viewer = { listener, roles: new Set(['LISTENER' as const]) };
    const wordsIn = (text: string) =>
      findUnexpectedWords(text, { scoring, language, viewer, lifetime: new Lifetime() });

    const found = await wordsIn('🙂 Nobody had come back form the war yet.');
    const suggestion = { start: 23, end: 27, text: 'from' };
    expect(found).toMatchObject([{ kind: 'UNEXPECTED_WORD', start: 23, end: 27, suggestion }]);
    expect(found[0]?.reason.EN).toContain(`by ${found[0]?.valueWithSuggestion} bits, not ${found[0]?.value}.`);
    expect(read.length).toBeGreaterThan(2);
    expect(await wordsIn('🙂 Nobody had come back from the war yet.')).toEqual([]);
    expect(await wordsIn('Il est dans la maison, et je ne sais pas ce que tu fais sur le toit.')).toEqual([]);
  });
});
