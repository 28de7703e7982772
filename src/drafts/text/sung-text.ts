import { type LineWords, setWords } from '../../tunes/tunes.ts';
import { loadVerseWords, type StanzaForm, sungWords, type VerseWords } from '../../verse/verse.ts';
import type { Draft } from '../contract.ts';

/** The words of a verse of a song, by its lines. Null for a line that has more or fewer syllables than its phrase. */
type SungVerse = (LineWords | null)[];

/**
 * A draft's tune in ABC: the text of one of kind TUNE, or the tune that its words are sung to, with the words under its
 * notes, as far as they are written and still fit. Each further verse is a further row of words.
 * @returns null for a text without a tune
 */
export async function tuneTextOf({ kind, form, text }: Draft): Promise<string | null> {
  if (kind === 'TUNE') return text;
  if (form?.tune == null) return null;
  return setWords(form.tune, versesOf(text, form.stanzas, await loadVerseWords()));
}

/** The verses in a text, which may have other stanzas between them. */
function versesOf(text: string, form: readonly StanzaForm[], words: VerseWords): SungVerse[] {
  const stanzas = text.split('\n\n').map((stanza) => stanza.split('\n').filter((line) => line.trim() !== ''));
  const verses: SungVerse[] = [];
  for (let at = 0; at < stanzas.length;) {
    const verse = verseAt(stanzas, at, form, words);
    if (verse) verses.push(verse);
    at += verse ? form.length : 1;
  }
  return verses;
}

/** Null where there is none: its stanzas have the form's numbers of lines, but for the one that is being written. */
function verseAt(
  stanzas: readonly (readonly string[])[],
  at: number,
  form: readonly StanzaForm[],
  words: VerseWords,
): SungVerse | null {
  const written = stanzas.slice(at, at + form.length);
  const fits = written.every((lines, i) => {
    const { length } = form[i]?.lines ?? [];
    return at + i === stanzas.length - 1 ? lines.length > 0 && lines.length <= length : lines.length === length;
  });
  if (!fits) return null;
  const verse = form.flatMap(({ lines }, i) =>
    lines.map(({ least }, n) => {
      const line = sungWords(written[i]?.[n] ?? '', words);
      return line.flat().length === least ? line : null;
    }),
  );
  return verse.some((line) => line !== null) ? verse : null;
}
