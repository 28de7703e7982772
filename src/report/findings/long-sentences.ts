import type { Suggestion } from '../contract.ts';
import type { Reading, ReadSentence, ReadWord } from '../reading/reading.ts';
import { isGrammatical } from '../reading/sentences.ts';
import type { Candidate } from './candidate.ts';

/** Words of an English sentence, beyond which it is long; characters of a Chinese one. */
const LONGEST = { EN: 35, ZH: 80, OTHER: 45 } as const;
const SHORTEST_PART = 6;
const SUBJECTS = new Set(['i', 'he', 'she', 'it', 'we', 'they', 'there']);
const JOINS = new Set(['and', 'but', 'so']);

/** A sentence's length: words, in Chinese characters. */
export const lengthOf = ({ words, text }: ReadSentence, language: Reading['language']): number =>
  language === 'ZH' ? (text.match(/\p{L}/gu)?.length ?? 0) : words.length;

export function longSentences(reading: Reading): Candidate[] {
  const { language, sentences, isVerse } = reading;
  if (isVerse) return [];
  const longest = (after: Reading): number => Math.max(0, ...after.sentences.map((one) => lengthOf(one, language)));
  return sentences.flatMap((sentence) => {
    const length = lengthOf(sentence, language);
    if (length <= LONGEST[language]) return [];
    const suggestion = language === 'EN' ? split(sentence) : null;
    return [
      {
        kind: 'LONG_SENTENCE',
        start: sentence.start,
        end: sentence.end,
        value: length,
        reason: {
          EN: `The sentence has ${length} ${language === 'ZH' ? 'characters' : 'words'}.`,
          ZH: `这个句子有${length}个${language === 'ZH' ? '字' : '词'}。`,
        },
        suggestion,
        again: suggestion && longest,
      },
    ];
  });
}

/** Where a clause with a subject of its own follows "and", "but" or "so" or a semicolon, it can be a sentence. */
function split(sentence: ReadSentence): Suggestion | null {
  const { words, isQuoted } = sentence;
  if (isQuoted || !isGrammatical(sentence) || /[()[\]:—]/.test(sentence.text)) return null;
  const cuts = words.flatMap((word, i) => cutBefore(sentence, word, i) ?? []);
  const middle = words.length / 2;
  const best = cuts.toSorted((a, b) => Math.abs(a.at - middle) - Math.abs(b.at - middle))[0];
  return best && Math.max(best.at, words.length - best.at) <= LONGEST.EN ? best.suggestion : null;
}

interface Cut {
  at: number;
  suggestion: Suggestion;
}

function cutBefore({ words, text, start }: ReadSentence, word: ReadWord, at: number): Cut | null {
  const [before, next, after] = [words[at - 1], words[at + 1], words[at + 2]];
  if (!before || at < SHORTEST_PART || words.length - at < SHORTEST_PART) return null;
  const between = text.slice(before.end - start, word.start - start);
  if (between === '; ' && SUBJECTS.has(word.lower) && isFinite(next)) return cut(at, before, word, '');
  if (between !== ', ' || !JOINS.has(word.lower) || !next || !SUBJECTS.has(next.lower) || !isFinite(after)) return null;
  return word.lower === 'and' ? cut(at + 1, before, next, '') : cut(at, before, word, '');
}

/** Words between, "and", are left out. */
function cut(at: number, before: ReadWord, first: ReadWord, between: string): Cut {
  const head = first.text.charAt(0).toUpperCase();
  return { at, suggestion: { start: before.end, end: first.start + 1, text: `. ${between}${head}` } };
}

const isFinite = (word: ReadWord | undefined): boolean =>
  word !== undefined &&
  (word.tags.has('Verb') || word.tags.has('Modal') || word.tags.has('Copula')) &&
  !word.tags.has('Gerund');
