import { InvalidInputError } from '../../lib/errors.ts';
import { readSong, type SungLine } from '../../tunes/tunes.ts';
import {
  firstImpossible,
  type LineForm,
  MOST_LINES,
  MOST_STANZAS,
  type Rhymes,
  type StanzaForm,
  type VerseForm,
} from '../../verse/verse.ts';
import type { TuneSource } from '../contract.ts';
import { type FindDraft, tuneSource } from '../tune-draft.ts';

const FIELD = 'input.form.fromTune';

/**
 * The form of words that are sung to a tune: a stanza for each section, a line for each phrase, a syllable for each note.
 * @param rhymes the words that may be used
 * @throws InvalidInputError for a tune that cannot be sung
 */
export async function formOfTune(source: TuneSource, rhymes: Rhymes, find: FindDraft): Promise<VerseForm> {
  const { abc, field } = await tuneSource(source, FIELD, find);
  const song = readSong(abc, field);
  const lines = song.sections.flat().length;
  if (lines > MOST_LINES || song.sections.length > MOST_STANZAS)
    refuse(
      field,
      `has ${lines} phrases in ${song.sections.length} sections; words are fitted to at most ${MOST_LINES} in ${MOST_STANZAS}`,
    );
  return keepable({ stanzas: song.sections.map(stanzaOf), tune: song.abc }, rhymes, field);
}

function stanzaOf(lines: readonly SungLine[]): StanzaForm {
  return { label: null, lines: lines.map((line, i) => lineOf(line, i, lines.length)), refrainOf: null };
}

function lineOf({ syllables, strong }: SungLine, index: number, count: number): LineForm {
  return { least: syllables, most: syllables, metre: null, strong, rhyme: rhymeOf(index, count) };
}

/** `-A-A-B-B`; of two or three lines that are left over, the first and the last rhyme: `A-A`. */
function rhymeOf(index: number, count: number): string | null {
  const group = Math.floor(index / 4);
  const [at, size] = [index % 4, Math.min(4, count - 4 * group)];
  const rhymes = size === 4 ? at % 2 === 1 : size > 1 && (at === 0 || at === size - 1);
  return rhymes ? String.fromCharCode(65 + group) : null;
}

/** A stanza whose lines end so differently that no words rhyme and fit goes without rhymes. */
function keepable(form: VerseForm, rhymes: Rhymes, field: string): VerseForm {
  const impossible = firstImpossible(form, rhymes);
  if (impossible === null) return form;
  const stanza = form.stanzas[impossible];
  if (!stanza || stanza.lines.every(({ rhyme }) => rhyme === null))
    return refuse(
      field,
      `has a section, number ${impossible + 1}, that no words can be sung to with these banned phrases`,
    );
  const unrhymed = { ...stanza, lines: stanza.lines.map((line) => ({ ...line, rhyme: null })) };
  return keepable({ ...form, stanzas: form.stanzas.with(impossible, unrhymed) }, rhymes, field);
}

function refuse(field: string, message: string): never {
  throw new InvalidInputError(`${field} ${message}`, field);
}
