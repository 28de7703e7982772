import { InvalidInputError } from '../errors.ts';

export interface TextBounds {
  min?: number;
  max: number;
}

/**
 * Checks a string that is to be stored and shown: trimmed, within its bounds (in code points), without U+0000 (which
 * PostgreSQL cannot store) and without unpaired surrogates (which UTF-8 cannot encode).
 */
export function checkText(value: string, field: string, bounds: TextBounds): string {
  return checkExactText(value.trim(), field, bounds);
}

/** The same with the white space at its ends. */
export function checkExactText(text: string, field: string, { min = 1, max }: TextBounds): string {
  if (text.includes('\0')) throw new InvalidInputError(`${field} must not contain the character U+0000`, field);
  if (/\p{Surrogate}/u.test(text)) throw new InvalidInputError(`${field} contains an unpaired surrogate`, field);
  const length = text.length <= max ? text.length : Array.from(text).length;
  if (text.length >= min && length <= max) return text;
  if (text.length === 0) throw new InvalidInputError(`${field} must not be empty`, field);
  throw new InvalidInputError(`${field} must have ${min} to ${max} characters, not ${length}`, field);
}

/** A name or an id: text in composed form (NFC), so that texts that look the same are the same. */
export function checkName(value: string, field: string, bounds: TextBounds): string {
  return checkText(value, field, bounds).normalize('NFC');
}

/** A finite number within its bounds, both inclusive. */
export function checkRange(value: number, field: string, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new InvalidInputError(`${field} must be between ${min} and ${max}, not ${value}`, field);
}

/** A list with at most `max` entries. */
export function checkLength<List extends readonly unknown[]>(list: List, field: string, max: number): List {
  if (list.length <= max) return list;
  throw new InvalidInputError(`${field} may have at most ${max} entries, not ${list.length}`, field);
}
