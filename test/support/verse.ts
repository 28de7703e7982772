import { resolveForm, type VerseForm, type VerseFormInput } from '../../src/verse/verse.ts';

/** The complete form of an input that describes one. */
export function formOf(input: VerseFormInput): VerseForm {
  const form = resolveForm(input, 'input.form');
  if (!form) throw new Error('the form is FREE');
  return form;
}
