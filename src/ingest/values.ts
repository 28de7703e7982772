import { InvalidInputError } from '../lib/errors.ts';
import type { Fields } from './records.ts';

/** Typed reading of one value, whether CSV gave it as text or JSONL with its type; undefined and null are absent. */
export function text(fields: Fields, column: string): string | null {
  const value = fields[column];
  if (value == null) return null;
  if (typeof value === 'string') return value;
  // Ids are often numbers in JSON; as an external id a number is as good as its digits.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new InvalidInputError(`${column} must be text, not ${show(value)}`, column);
}

export function requiredText(fields: Fields, column: string): string {
  const value = text(fields, column);
  if (value === null) throw new InvalidInputError(`${column} is missing`, column);
  return value;
}

export function integer(fields: Fields, column: string): number | null {
  const value = fields[column];
  if (value == null) return null;
  const number = typeof value === 'string' && /^\s*-?\d{1,15}\s*$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new InvalidInputError(`${column} must be a whole number, not ${show(value)}`, column);
}

const booleans: Partial<Record<string, boolean>> = {
  true: true,
  yes: true,
  '1': true,
  false: false,
  no: false,
  '0': false,
};

export function flag(fields: Fields, column: string): boolean | null {
  const value = fields[column];
  if (value == null || typeof value === 'boolean') return value ?? null;
  const known = typeof value === 'string' ? booleans[value.trim().toLowerCase()] : undefined;
  if (known !== undefined) return known;
  throw new InvalidInputError(`${column} must be true or false, not ${show(value)}`, column);
}

/** CSV separates the entries with semicolons; JSONL has an array of strings. */
export function list(fields: Fields, column: string): string[] | null {
  const value = fields[column];
  if (value == null) return null;
  if (typeof value === 'string') return value.split(';').filter((entry) => entry.trim() !== '');
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw new InvalidInputError(`${column} must be a list of texts, not ${show(value)}`, column);
}

const INSTANT = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d))?$/;

/** An RFC 3339 instant with its offset, or a date, which is its first instant in UTC. */
export function instant(fields: Fields, column: string): Date | null {
  const value = fields[column];
  if (value == null) return null;
  const at = typeof value === 'string' && INSTANT.test(value) && isInCalendar(value) ? new Date(value) : null;
  if (at && !Number.isNaN(at.getTime())) return at;
  throw new InvalidInputError(
    `${column} must be like 2026-11-23T14:00:00Z (with Z or an offset), not ${show(value)}`,
    column,
  );
}

/** `Date` takes 30 February for 2 March. */
function isInCalendar(value: string): boolean {
  const day = value.slice(0, 10);
  const midnight = new Date(day);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

/** A value for a message, cut to what a terminal line can take. */
function show(value: unknown): string {
  const shown = JSON.stringify(value);
  return shown.length <= 60 ? shown : `${shown.slice(0, 57)}…`;
}
