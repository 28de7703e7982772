import type { Reading, ReadWord } from '../reading/reading.ts';
import { type Candidate, fact } from './candidate.ts';

/** Words that never stand twice in a row in good order. */
const NEVER_TWICE = {
  EN: new Set('the a an of to and for with at from by but or if as into than because is are was were'.split(' ')),
  ZH: new Set(['的', '在', '和', '把', '被', '对', '从', '与']),
  OTHER: new Set<string>(),
} as const;

/** "the the". */
export function repeatedWords(reading: Reading): Candidate[] {
  return reading.sentences.flatMap(({ words }) => {
    const found: Candidate[] = [];
    const value = words.filter((_, i) => isRepeated(reading, words, i)).length;
    for (let i = 0; i < words.length && value > 0; i++) {
      let last = i;
      while (isRepeated(reading, words, last + 1)) last++;
      const [first, end] = [words[i] as ReadWord, words[last]?.end ?? 0];
      if (last === i) continue;
      found.push({
        ...{ kind: 'REPEATED_WORD', start: first.start, end, value },
        reason: {
          EN: `“${first.text}” stands ${last - i + 1} times in a row.`,
          ZH: `“${first.text}”连续出现了${last - i + 1}次。`,
        },
        suggestion: { start: first.end, end, text: '' },
        again: repeatedCount,
      });
      i = last;
    }
    return found;
  });
}

const repeatedCount = (reading: Reading): number =>
  reading.sentences.reduce((sum, { words }) => sum + words.filter((_, i) => isRepeated(reading, words, i)).length, 0);

/** Whether a word repeats the one before. */
function isRepeated({ text, language }: Reading, words: readonly ReadWord[], at: number): boolean {
  const [before, word] = [words[at - 1], words[at]];
  if (!before || !word || before.lower !== word.lower || !NEVER_TWICE[language].has(word.lower)) return false;
  return text.slice(before.end, word.start).trim() === '';
}

const WINDOW = 80;
const OFTEN = 4;
const SHORTEST_WORD = { EN: 5, ZH: 2, OTHER: 5 } as const;
/** Words of grammar, of time and of number. */
const COMMON = new Set(
  (
    'about above after again against along among another anybody anyone anything around because before behind below beneath ' +
    'beside between beyond could during every everybody everyone everything first found going however might never nobody ' +
    'nothing other others ought rather shall should since somebody someone something still their theirs them themselves there ' +
    'these thing things those though through today toward towards under until upon where whether which while whose without ' +
    'would yours'
  ).split(' '),
);
const COMMON_ZH = new Set(
  '我们 你们 他们 她们 它们 自己 什么 这个 那个 一个 没有 可以 因为 所以 但是 如果 就是 不是 这样 那样 这些 那些 已经 还是 以及 或者'.split(
    ' ',
  ),
);

/** A word of content that comes back often within a short stretch of prose. */
export function repetition({ language, sentences, isVerse }: Reading): Candidate[] {
  if (isVerse || language === 'OTHER') return [];
  const places = new Map<string, { at: number; word: ReadWord }[]>();
  sentences
    .flatMap(({ words }) => words)
    .forEach((word, at) => {
      if (!isContent(word, language)) return;
      const known = places.get(word.lower);
      if (known) known.push({ at, word });
      else places.set(word.lower, [{ at, word }]);
    });
  return [...places.values()].flatMap((found) => clusters(found).map((cluster) => describe(cluster)));
}

function isContent({ text, lower, tags }: ReadWord, language: 'EN' | 'ZH'): boolean {
  if (lower.length < SHORTEST_WORD[language] || COMMON.has(lower) || COMMON_ZH.has(lower)) return false;
  // A name has no other word for it.
  const isName = tags.has('ProperNoun') || (language === 'EN' && text.charAt(0) !== lower.charAt(0));
  return !isName && !/\d/.test(lower);
}

interface Place {
  at: number;
  word: ReadWord;
}

function clusters(places: readonly Place[]): Place[][] {
  const found: Place[][] = [];
  for (let from = 0; from + OFTEN <= places.length; from++) {
    const begin = places[from]?.at ?? 0;
    const within = places.slice(from, from + WINDOW).filter(({ at }) => at - begin < WINDOW);
    if (within.length < OFTEN) continue;
    found.push(within);
    from += within.length - 1;
  }
  return found;
}

function describe(cluster: readonly Place[]): Candidate {
  const [first, last] = [cluster[0] as Place, cluster.at(-1) as Place];
  const words = last.at - first.at + 1;
  return fact('REPETITION', { start: first.word.start, end: last.word.end }, cluster.length, {
    EN: `“${first.word.lower}” occurs ${cluster.length} times within ${words} words.`,
    ZH: `“${first.word.lower}”在${words}个词之内出现了${cluster.length}次。`,
  });
}
