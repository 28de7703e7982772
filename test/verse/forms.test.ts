import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/lib/errors.ts';
import type { VerseFormInput } from '../../src/verse/verse.ts';
import { formOf } from '../support/verse.ts';

const refused = (input: VerseFormInput): InvalidInputError => {
  try {
    formOf(input);
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('[FORM1] the form of a verse', () => {
  it('is complete for each preset: fourteen lines of ten syllables for a sonnet', () => {
    const { stanzas } = formOf({ preset: 'SONNET' });
    const lines = stanzas.flatMap((stanza) => stanza.lines);
    expect(lines).toHaveLength(14);
    expect(lines.every(({ least, most, metre }) => least === 10 && most === 10 && metre === 'IAMBIC')).toBe(true);
    expect(formOf({ preset: 'SONG' }).stanzas.map(({ refrainOf }) => refrainOf)).toEqual([
      ...[null, null, null, 1, null, 1],
    ]);
  });

  it('takes one number of syllables for all lines, and lets a line without a number be of any usual length', () => {
    const form = formOf({ stanzas: [{ lines: 2, syllables: [7] }, { lines: 1 }] });
    expect(form.stanzas.map(({ lines }) => lines.map(({ least, most }) => [least, most]))).toEqual([
      [
        [7, 7],
        [7, 7],
      ],
      [[3, 14]],
    ]);
  });

  it('does not ask a letter that occurs once to rhyme', () => {
    const [stanza] = formOf({ stanzas: [{ lines: 3, rhyme: 'ABA' }] }).stanzas;
    expect(stanza?.lines.map(({ rhyme }) => rhyme)).toEqual(['A', null, 'A']);
  });
});

describe('[FORM3] a form that cannot be is refused, and the error names the field', () => {
  it.each<[VerseFormInput, string]>([
    [{}, 'input.form'],
    [{ preset: 'HAIKU', stanzas: [{ lines: 1 }] }, 'input.form'],
    [{ stanzas: [] }, 'input.form.stanzas'],
    [{ stanzas: Array.from({ length: 21 }, () => ({ lines: 1 })) }, 'input.form.stanzas'],
    [{ stanzas: [{ lines: 61 }] }, 'input.form.stanzas.0.lines'],
    [{ stanzas: [{ lines: 40 }, { lines: 40 }] }, 'input.form.stanzas'],
    [{ stanzas: [{}] }, 'input.form.stanzas.0.lines'],
    [{ stanzas: [{ lines: 0 }] }, 'input.form.stanzas.0.lines'],
    [{ stanzas: [{ lines: 4, rhyme: 'ABA' }] }, 'input.form.stanzas.0.rhyme'],
    [{ stanzas: [{ lines: 2, rhyme: 'a?' }] }, 'input.form.stanzas.0.rhyme'],
    [{ stanzas: [{ lines: 3, syllables: [5, 7] }] }, 'input.form.stanzas.0.syllables'],
    [{ stanzas: [{ lines: 1, syllables: [21] }] }, 'input.form.stanzas.0.syllables.0'],
    [{ stanzas: [{ lines: 1, syllables: [0] }] }, 'input.form.stanzas.0.syllables.0'],
    [{ stanzas: [{ refrainOf: 0 }] }, 'input.form.stanzas.0.refrainOf'],
    [{ stanzas: [{ lines: 1 }, { refrainOf: 2 }] }, 'input.form.stanzas.1.refrainOf'],
    [{ stanzas: [{ lines: 1 }, { refrainOf: -1 }] }, 'input.form.stanzas.1.refrainOf'],
    [{ stanzas: [{ lines: 1 }, { refrainOf: 0 }, { refrainOf: 1 }] }, 'input.form.stanzas.2.refrainOf'],
    [{ stanzas: [{ lines: 1 }, { refrainOf: 0, lines: 2 }] }, 'input.form.stanzas.1.lines'],
  ])('%j', (input, field) => {
    expect(refused(input)).toMatchObject({ field });
    expect(refused(input).message).toContain(field);
  });
});
