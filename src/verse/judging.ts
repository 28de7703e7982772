import { dictionary } from 'cmu-pronouncing-dictionary';
import { syllable } from 'syllable';
import type { VerseForm } from './contract.ts';

/** Which of a form's requirements a text keeps, one entry for each. */
export interface VerseJudgement {
  /** Whether each stanza has its number of lines. There is one more entry: whether there are no further stanzas. */
  lines: boolean[];
  /** Whether each line has its number of syllables. */
  syllables: boolean[];
  /** Whether each line rhymes with the first line of its letter. */
  rhymes: boolean[];
  /** Whether each refrain is its stanza word for word. */
  refrains: boolean[];
}

/**
 * Judges a text without anything that wrote it: syllables by a rule of spelling, and rhymes by comparing the entries of
 * the dictionary from the last stressed vowel on. A door of its own, since the dictionary takes 60 MB in each thread that
 * loads this file.
 */
export function judgeVerse(text: string, form: VerseForm): VerseJudgement {
  const stanzas = text.split('\n\n').map((stanza) => stanza.split('\n').filter((line) => !line.startsWith('[')));
  const judgement: VerseJudgement = { lines: [], syllables: [], rhymes: [], refrains: [] };
  form.stanzas.forEach(({ lines, refrainOf }, i) => {
    const written = stanzas[i] ?? [];
    if (refrainOf !== null) {
      judgement.refrains.push(written.join('\n') === stanzas[refrainOf]?.join('\n'));
      return;
    }
    judgement.lines.push(written.length === lines.length);
    lines.forEach(({ least, most, rhyme }, at) => {
      const count = wordsOf(written[at] ?? '').reduce((sum, word) => sum + syllable(word), 0);
      judgement.syllables.push(count >= least && count <= most);
      const partner = rhyme === null ? at : lines.findIndex((line) => line.rhyme === rhyme);
      if (partner < at) judgement.rhymes.push(doRhyme(written[partner] ?? '', written[at] ?? ''));
    });
  });
  judgement.lines.push(stanzas.length === form.stanzas.length);
  return judgement;
}

const wordsOf = (line: string): string[] => line.toLowerCase().match(/[a-z']+/g) ?? [];

/** Different last words whose sounds agree from the last stressed vowel on. */
function doRhyme(one: string, other: string): boolean {
  const [a, b] = [wordsOf(one).at(-1) ?? '', wordsOf(other).at(-1) ?? ''];
  return a !== b && rhymingPart(a) !== '' && rhymingPart(a) === rhymingPart(b);
}

function rhymingPart(word: string): string {
  const sounds = dictionary[word] ?? '';
  const stressed = /[A-Z]+[12](?!.*[12]).*$/.exec(sounds) ?? /[A-Z]+0(?!.*\d).*$/.exec(sounds);
  return stressed?.[0].replace(/\d/g, '') ?? '';
}
