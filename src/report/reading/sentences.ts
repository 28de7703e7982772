import nlp from 'compromise';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Reading, ReadSentence, ReadWord } from './reading.ts';

const offset = z.object({ start: z.number(), length: z.number() });
const tagged = z.array(
  z.object({
    offset,
    terms: z.array(z.object({ text: z.string(), tags: z.array(z.string()), offset })),
  }),
);

const NO_TAGS: ReadonlySet<string> = new Set();
/** Longer ones are no sentences, and tagging them would take long. */
const MOST_WORDS = 400;
const LONGEST_WORD = 60;
/** Of the paragraphs that were read last: an edited or growing text has most of them again. */
const KEPT_CHARACTERS = 1_000_000;

type Sentence = Omit<ReadSentence, 'isQuoted'>;

const kept = new LRUCache<string, readonly Sentence[]>({
  maxSize: KEPT_CHARACTERS,
  sizeCalculation: (_, key) => key.length,
});

/** The sentences of a paragraph; positions are in it. A line of verse ends a sentence, one of prose does not. */
export function sentencesOf(
  written: string,
  { language, isVerse }: Pick<Reading, 'language' | 'isVerse'>,
): readonly Sentence[] {
  const paragraph = isVerse ? written : written.replace(/\s/g, ' ');
  const key = `${language} ${paragraph}`;
  const known = kept.get(key);
  if (known) return known;
  const sentences = language === 'EN' && isReadable(paragraph) ? english(paragraph) : segmented(paragraph, language);
  kept.set(key, sentences);
  return sentences;
}

function isReadable(paragraph: string): boolean {
  const words = paragraph.split(/\s+/);
  return words.length > 0 && words.every(({ length }) => length <= LONGEST_WORD);
}

/** By compromise, which knows abbreviations and parts of speech. */
function english(paragraph: string): readonly Sentence[] {
  const found = tagged.parse(nlp(paragraph).json({ offset: true, terms: { tags: true, offset: true } }));
  const sentences = found.map(({ terms }, i) => {
    const words = terms.flatMap(({ text, tags, offset: { start } }) => word(paragraph, text, start, new Set(tags)));
    const start = words[0]?.start ?? found[i]?.offset.start ?? 0;
    const next = found[i + 1]?.terms[0]?.offset.start ?? paragraph.length;
    const end = start + paragraph.slice(start, next).trimEnd().length;
    return { start, end, text: paragraph.slice(start, end), words };
  });
  // Marks that open a quotation belong to the sentence that they open.
  const whole = sentences.map((sentence, i) =>
    withOpening(paragraph, sentence, sentences[i - 1]?.words.at(-1)?.end ?? 0),
  );
  return whole.filter(({ words }) => words.length > 0);
}

function withOpening(paragraph: string, sentence: Sentence, after: number): Sentence {
  const opening = /["“'‘([]*$/.exec(paragraph.slice(after, sentence.start))?.[0].length ?? 0;
  const start = sentence.start - opening;
  const end =
    start +
    paragraph
      .slice(start, sentence.end)
      .replace(/["“'‘([]+$/, '')
      .trimEnd().length;
  return { ...sentence, start, end, text: paragraph.slice(start, end) };
}

function word(paragraph: string, text: string, from: number, tags: ReadonlySet<string>): ReadWord[] {
  const start = paragraph.startsWith(text, from) ? from : paragraph.indexOf(text, from);
  const bare = text.replace(/[^\p{L}\p{N}]+$/u, '');
  if (start < 0 || bare === '') return [];
  return [{ start, end: start + bare.length, text: bare, lower: lowered(bare), tags }];
}

/** By the rules of Unicode (UAX 29), with the dictionary of Chinese words in Node.js's ICU. */
function segmented(paragraph: string, language: Reading['language']): readonly Sentence[] {
  const locale = language === 'ZH' ? 'zh' : 'en';
  const sentences = new Intl.Segmenter(locale, { granularity: 'sentence' }).segment(paragraph);
  const segmenter = new Intl.Segmenter(locale, { granularity: 'word' });
  return Array.from(sentences).flatMap(({ segment, index }) => {
    const text = segment.trimEnd();
    const words = Array.from(segmenter.segment(text)).flatMap(({ segment: own, index: at, isWordLike }) =>
      isWordLike
        ? [{ start: index + at, end: index + at + own.length, text: own, lower: lowered(own), tags: NO_TAGS }]
        : [],
    );
    return words.length === 0 ? [] : [{ start: index, end: index + text.length, text, words }];
  });
}

const lowered = (text: string): string => text.toLowerCase().replaceAll('’', "'");

/** Whether a sentence can be judged by its grammar. */
export const isGrammatical = ({ words }: Pick<ReadSentence, 'words'>): boolean =>
  words.length <= MOST_WORDS && words.some(({ tags }) => tags.size > 0);
