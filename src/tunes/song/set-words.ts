import { phrasesToSing } from './song.ts';

/** The syllables of each word of a line. */
export type LineWords = readonly (readonly string[])[];

/** What a line of words may not contain in ABC, where it would be read as something else. */
const NOT_SUNG = /[^\p{L}\p{M}\p{N}'’.,;:!?()]/gu;

/**
 * A tune with words under its notes, as ABC has them (`w:`), one row for each verse.
 * @param verses the words of each phrase, as many syllables as it has notes; null for a phrase without words
 */
export function setWords(abc: string, verses: readonly (readonly (LineWords | null)[])[]): string {
  const phrases = phrasesToSing(abc);
  const rows = verses.map((verse) => {
    const signs = new Map<number, string>();
    phrases.forEach((phrase, i) => {
      const syllables = signsOf(verse[i] ?? null, phrase.length);
      phrase.forEach(({ notes }, at) => {
        const sign = syllables[at];
        notes.forEach((note, n) => signs.set(note, sign === undefined ? '*' : n === 0 ? sign : '_'));
      });
    });
    return signs;
  });
  const lastNote = Math.max(-1, ...phrases.flat().flatMap(({ notes }) => notes));
  return withRows(abc, rows, lastNote);
}

/** A sign for each syllable. The hyphen of one within a word joins it to the next; nothing where the number is another. */
function signsOf(words: LineWords | null, syllables: number): string[] {
  const signs = (words ?? []).flatMap((word) => {
    const sung = word.map((syllable) => syllable.replace(NOT_SUNG, '')).filter((syllable) => syllable !== '');
    return sung.map((syllable, i) => (i < sung.length - 1 ? `${syllable}-` : syllable));
  });
  return signs.length === syllables ? signs : [];
}

function withRows(abc: string, rows: readonly ReadonlyMap<number, string>[], lastNote: number): string {
  let at = 0;
  return abc
    .split('\n')
    .map((line) => {
      const [from, to] = [at, at + line.length];
      at = to + 1;
      return from > lastNote ? line : [line, ...rows.flatMap((row) => rowOf(row, from, to))].join('\n');
    })
    .join('\n');
}

/** The words under the notes of one line of the text. None for a line without notes or words. */
function rowOf(signs: ReadonlyMap<number, string>, from: number, to: number): string[] {
  const row = [...signs].filter(([note]) => note >= from && note < to).sort(([a], [b]) => a - b);
  return row.some(([, sign]) => sign !== '*')
    ? [
        `w: ${row
          .map(([, sign]) => sign)
          .join(' ')
          .replaceAll('- ', '-')}`,
      ]
    : [];
}
