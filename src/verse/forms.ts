import { InvalidInputError } from '../lib/errors.ts';
import type {
  LineForm,
  StanzaForm,
  StanzaInput,
  VerseForm,
  VerseFormInput,
  VerseMetre,
  VersePreset,
} from './contract.ts';

export const MOST_STANZAS = 20;
export const MOST_LINES = 60;
const LONGEST_LINE = 20;
/** A line without a number of syllables has between these. */
const FREE_LINE = { least: 3, most: 14 };

const lines = (syllables: readonly number[], rhyme: string, metre: VerseMetre | null = null): StanzaInput => ({
  ...{ lines: syllables.length, syllables, rhyme, metre },
});
const quatrain = (rhyme: string): StanzaInput => lines([10, 10, 10, 10], rhyme, 'IAMBIC');
const ballad = lines([8, 6, 8, 6], '-A-A', 'IAMBIC');
const verse: StanzaInput = { label: 'VERSE', ...lines([8, 6, 8, 6], 'ABAB') };

/** The stanzas of each preset. */
const presets: Readonly<Record<Exclude<VersePreset, 'FREE'>, readonly StanzaInput[]>> = {
  SONNET: [quatrain('ABAB'), quatrain('ABAB'), quatrain('ABAB'), lines([10, 10], 'AA', 'IAMBIC')],
  HAIKU: [lines([5, 7, 5], '---')],
  LIMERICK: [lines([8, 8, 5, 5, 8], 'AABBA')],
  BALLAD: [ballad, ballad, ballad, ballad],
  SONG: [
    verse,
    { label: 'CHORUS', ...lines([6, 6, 6, 6], 'AABB') },
    verse,
    { label: 'CHORUS', refrainOf: 1 },
    { label: 'BRIDGE', ...lines([8, 8], 'AA') },
    { label: 'CHORUS', refrainOf: 1 },
  ],
};

/**
 * The complete form of what a client asks for. Null for the preset FREE.
 * @param field the argument's dotted path
 * @throws InvalidInputError for a form that cannot be
 */
export function resolveForm({ preset, stanzas }: VerseFormInput, field: string): VerseForm | null {
  if ((preset == null) === (stanzas == null)) {
    throw new InvalidInputError(`${field} needs either a preset or stanzas`, field);
  }
  if (preset === 'FREE') return null;
  const described = preset == null ? (stanzas ?? []) : presets[preset];
  checkRange(described.length, 1, MOST_STANZAS, `${field}.stanzas`, 'stanzas');
  const form = {
    stanzas: described.map((stanza, i) => resolveStanza(stanza, i, described, `${field}.stanzas.${i}`)),
    tune: null,
  };
  const total = form.stanzas.reduce((sum, stanza) => sum + stanza.lines.length, 0);
  checkRange(total, 1, MOST_LINES, `${field}.stanzas`, 'lines in all');
  return form;
}

function resolveStanza(
  { label = null, refrainOf = null, ...own }: StanzaInput,
  index: number,
  all: readonly StanzaInput[],
  field: string,
): StanzaForm {
  if (refrainOf === null) return { label, lines: resolveLines(own, field), refrainOf };
  const repeated = all[refrainOf];
  if (repeated === undefined || refrainOf >= index || refrainOf < 0 || repeated.refrainOf != null) {
    const path = `${field}.refrainOf`;
    throw new InvalidInputError(
      `${path} must be the number, from 0, of an earlier stanza that is no refrain itself`,
      path,
    );
  }
  const extra = (['lines', 'rhyme', 'syllables', 'metre'] as const).find((name) => own[name] != null);
  if (extra !== undefined) {
    throw new InvalidInputError(
      `${field}.${extra} does not apply to a refrain, which repeats its stanza`,
      `${field}.${extra}`,
    );
  }
  return { label, lines: [], refrainOf };
}

function resolveLines({ lines: count, rhyme, syllables, metre = null }: StanzaInput, field: string): LineForm[] {
  if (count == null) throw new InvalidInputError(`${field}.lines is missing`, `${field}.lines`);
  checkRange(count, 1, MOST_LINES, `${field}.lines`, 'lines');
  const letters = checkRhyme(rhyme ?? '-'.repeat(count), count, `${field}.rhyme`);
  const lengths = checkSyllables(syllables ?? [], count, `${field}.syllables`);
  return letters.map((letter, i) => {
    const exact = lengths[i];
    const length = exact === undefined ? FREE_LINE : { least: exact, most: exact };
    // A letter of its own rhymes with nothing, as the B of `ABA` in a single stanza.
    const rhymes = letter !== '-' && letters.filter((other) => other === letter).length > 1;
    return { ...length, metre, strong: null, rhyme: rhymes ? letter : null };
  });
}

function checkRhyme(rhyme: string, count: number, field: string): string[] {
  if (!/^[A-Z-]*$/.test(rhyme)) {
    throw new InvalidInputError(
      `${field} has one letter A–Z for each line, or "-" for a line that does not rhyme`,
      field,
    );
  }
  if (rhyme.length !== count) {
    throw new InvalidInputError(
      `${field} has ${rhyme.length} letters for ${count} lines; it needs one for each`,
      field,
    );
  }
  return Array.from(rhyme);
}

function checkSyllables(syllables: readonly number[], count: number, field: string): readonly (number | undefined)[] {
  syllables.forEach((number, i) => checkRange(number, 1, LONGEST_LINE, `${field}.${i}`, 'syllables'));
  if (syllables.length === 1) return Array.from({ length: count }, () => syllables[0]);
  if (syllables.length !== 0 && syllables.length !== count) {
    throw new InvalidInputError(
      `${field} has ${syllables.length} numbers for ${count} lines; it needs one, or one for each`,
      field,
    );
  }
  return syllables;
}

function checkRange(value: number, least: number, most: number, field: string, unit: string): void {
  if (value >= least && value <= most) return;
  throw new InvalidInputError(`${field}: there must be ${least}–${most} ${unit}, not ${value}`, field);
}
