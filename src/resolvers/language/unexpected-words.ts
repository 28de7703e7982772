import { confusedWith, type UnexpectedWord, unexpectedWords } from '../../language/language.ts';
import { characterPositions } from '../../lib/text/characters.ts';
import type { Finding } from '../../report/report.ts';
import { loadVerseWords } from '../../verse/verse.ts';
import type { Context } from '../context.ts';

/** Words that were probably written for others, with positions in characters. None in a text that is not English. */
export async function findUnexpectedWords(
  text: string,
  { scoring, language, viewer, lifetime }: Pick<Context, 'scoring' | 'language' | 'viewer' | 'lifetime'>,
): Promise<Finding[]> {
  const { signal } = lifetime;
  const at = characterPositions(text);
  return scoring.withScore(viewer, signal, async (score) => {
    const tokens = await score(text);
    const [detected] = await language.detect([text], signal);
    if (detected?.isReliable && detected.language !== 'en') return [];
    const words = await loadVerseWords();
    const found = await unexpectedWords(text, tokens, { confusedWith: (word) => confusedWith(words, word), score });
    return found.map((word) => findingOf(word, at));
  });
}

function findingOf(word: UnexpectedWord, at: (index: number) => number): Finding {
  const { text, meant } = word;
  const range = { start: at(word.start), end: at(word.end) };
  const [value, valueWithSuggestion] = [word.bits, word.bitsIfMeant].map((bits) => Number(bits.toFixed(1)));
  return {
    ...range,
    kind: 'UNEXPECTED_WORD',
    ...{ value: value ?? 0, valueWithSuggestion: valueWithSuggestion ?? 0 },
    reason: {
      EN: `With “${meant}” in place of “${text}”, the sentence surprises the model by ${valueWithSuggestion} bits, not ${value}.`,
      ZH: `把“${text}”换成“${meant}”，模型对这句话的意外程度从 ${value} 比特降到 ${valueWithSuggestion} 比特。`,
    },
    suggestion: { ...range, text: meant },
  };
}
