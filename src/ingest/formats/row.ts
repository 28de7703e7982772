import { InvalidInputError } from '../../lib/errors.ts';
import type { Notices } from '../notices.ts';
import { isObject } from '../reading/json.ts';
import { instantOf, yearOf } from './dates.ts';

/** What databases, spreadsheets and pandas write for missing values, in lower case. */
const MISSING: ReadonlySet<string> = new Set([
  ...['null', '\\n', 'nan', '-nan', 'none', 'n/a', '#n/a', 'na', '<na>', 'nat', 'nil', '(no genres listed)'],
]);

const booleans: Partial<Record<string, boolean>> = {
  ...{ true: true, t: true, yes: true, y: true, '1': true, '1.0': true },
  ...{ false: false, f: false, no: false, n: false, '0': false, '0.0': false },
};

/** An integer in digits, with a fraction of zeros, with a power of ten, or with commas between thousands. */
const NUMBER = /^[+-]?(\d{1,15}(\.\d{1,15})?([eE][+-]?\d{1,2})?|\d{1,3}(,\d{3})+)$/;

const DECIMAL = /^[+-]?\d{1,15}(\.\d{1,15})?([eE][+-]?\d{1,2})?$/;

/**
 * Typed reading of one row's values, which are text in CSV and typed in JSON. Undefined, null and words for them count
 * as missing, except in names: a band may be called None.
 */
export class Row {
  readonly #fields: Record<string, unknown>;
  readonly #notices: Notices;
  readonly line: number;

  constructor({ line, fields }: { line: number; fields: Record<string, unknown> }, notices: Notices) {
    this.#fields = fields;
    this.#notices = notices;
    this.line = line;
  }

  name(column: string): string {
    const name = this.optionalName(column);
    if (name === null) throw this.#refusal(column, 'is missing');
    return name;
  }

  /** A name or an id. Only an empty value or a database's \N counts as missing. */
  optionalName(column: string): string | null {
    const text = this.#text(column, this.#fields[column]);
    if (text === null || text.trim() === '' || text === '\\N') return null;
    if (isMissing(text)) this.#notices.add('name', this.line);
    return text;
  }

  has(column: string): boolean {
    return this.#fields[column] != null;
  }

  text(column: string): string | null {
    return this.#text(column, this.#value(column));
  }

  /** Exactly as in the file; ids in any normal form are equal. */
  id(column: string): string {
    return this.name(column).normalize('NFC');
  }

  optionalId(column: string): string | null {
    return this.text(column)?.normalize('NFC') ?? null;
  }

  integer(column: string): number | null {
    const value = this.#value(column);
    if (value === null) return null;
    const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value.replaceAll(',', '')) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
    throw this.#refusal(column, `must be a whole number, not ${show(value)}`);
  }

  number(column: string): number | null {
    const value = this.#value(column);
    if (value === null) return null;
    const number = typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    throw this.#refusal(column, `must be a number, not ${show(value)}`);
  }

  requiredInteger(column: string): number {
    const number = this.integer(column);
    if (number === null) throw this.#refusal(column, 'is missing');
    return number;
  }

  /** A year, or the year of a date. 0 counts as missing. */
  year(column: string): number | null {
    const value = this.#value(column);
    if (value === null) return null;
    const date = typeof value === 'string' ? yearOf(value.trim()) : null;
    const year = date ?? this.integer(column);
    if (year !== 0) return year;
    this.#notices.add('missing', this.line);
    return null;
  }

  flag(column: string): boolean | null {
    const value = this.#value(column);
    if (value === null || typeof value === 'boolean') return value;
    const text = typeof value === 'number' ? String(value) : value;
    const known = typeof text === 'string' ? booleans[text.trim().toLowerCase()] : undefined;
    if (known !== undefined) return known;
    throw this.#refusal(column, `must be true or false, not ${show(value)}`);
  }

  /** A list: an array of texts, a text with entries separated by semicolons or bars, or a list as Python prints it. */
  list(column: string): string[] | null {
    const value = this.#value(column);
    if (value === null) return null;
    if (typeof value === 'string') return this.#split(value);
    if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
    throw this.#refusal(column, `must be a list of texts, not ${show(value)}`);
  }

  /** The objects of an array; null if there is none. */
  objects(column: string): Row[] | null {
    const value = this.#fields[column];
    if (value == null) return null;
    if (!Array.isArray(value)) throw this.#refusal(column, `must be a list of objects, not ${show(value)}`);
    return value.map((fields: unknown) => {
      if (!isObject(fields)) throw this.#refusal(column, `must be a list of objects, not of ${show(fields)}`);
      return new Row({ line: this.line, fields }, this.#notices);
    });
  }

  /**
   * Names with a text each: a list of texts like `name=text`, as `list` reads it, or an object in JSON.
   * @param sign what comes between them
   */
  pairs(column: string, sign: string): [name: string, text: string][] {
    const value = this.#fields[column];
    if (isObject(value)) return Object.keys(value).map((name) => [name, this.object(column)?.name(name) ?? '']);
    return (this.list(column) ?? []).map((entry) => {
      const at = entry.indexOf(sign);
      if (at > 0) return [entry.slice(0, at).trim(), entry.slice(at + sign.length).trim()];
      throw this.#refusal(column, `must have entries like name${sign}text, not ${show(entry)}`);
    });
  }

  /**
   * RFC 3339, also with a space for the T, a date alone, or seconds or milliseconds since 1970. UTC if there is no
   * offset.
   * @param isUtc the format is defined to be in UTC, so a missing offset is not noted
   */
  instant(column: string, isUtc = false): Date | null {
    const value = this.#value(column);
    if (value === null) return null;
    const instant = typeof value === 'string' || typeof value === 'number' ? instantOf(value) : null;
    if (instant === null) {
      const forms = 'like 2026-11-23T14:00:00Z, or seconds or milliseconds since 1970';
      throw this.#refusal(column, `must be ${forms}, not ${show(value)}`);
    }
    if (!instant.hasZone && !isUtc) this.#notices.add('noZone', this.line);
    return instant.at;
  }

  requiredInstant(column: string, isUtc = false): Date {
    const instant = this.instant(column, isUtc);
    if (instant === null) throw this.#refusal(column, 'is missing');
    return instant;
  }

  /** The object in a column. Null if there is none. */
  object(column: string): Row | null {
    const fields = this.plainObject(column);
    return fields && new Row({ line: this.line, fields }, this.#notices);
  }

  /** The same as it is. */
  plainObject(column: string): Record<string, unknown> | null {
    const fields = this.#fields[column];
    if (fields == null) return null;
    if (isObject(fields)) return fields;
    throw this.#refusal(column, `must be an object, not ${show(fields)}`);
  }

  #text(column: string, value: unknown): string | null {
    if (value == null) return null;
    if (typeof value === 'string') return value;
    // Ids are often numbers in JSON; a number is equivalent to its digits.
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    throw this.#refusal(column, `must be text, not ${show(value)}`);
  }

  #value(column: string): unknown {
    const value = this.#fields[column] ?? null;
    if (typeof value !== 'string') return value;
    if (value.trim() === '') return null;
    if (!isMissing(value)) return value;
    this.#notices.add('missing', this.line);
    return null;
  }

  #split(value: string): string[] {
    const printed = /^\s*\[(.*)\]\s*$/s.exec(value)?.[1];
    if (printed !== undefined && /^$|['"]/.test(printed))
      return [...printed.matchAll(/'([^']*)'|"([^"]*)"/g)].map(entryOf);
    const entries = value.split(/[;|]/).filter((entry) => entry.trim() !== '');
    if (entries.length === 1 && value.includes(',')) this.#notices.add('comma', this.line);
    return entries;
  }

  #refusal(column: string, reason: string): InvalidInputError {
    return new InvalidInputError(`${column} ${reason}`, column);
  }
}

const entryOf = ([, single, double]: RegExpMatchArray): string => single ?? double ?? '';

/** Length of the longest of these words. Most values are longer, which is enough to know that they are not missing. */
const LONGEST_MISSING = Math.max(...[...MISSING].map((word) => word.length));

function isMissing(value: string): boolean {
  const word = value.trim();
  return word.length <= LONGEST_MISSING && MISSING.has(word.toLowerCase());
}

/** A value for a message, shortened to fit a terminal line. */
function show(value: unknown): string {
  const shown = JSON.stringify(value);
  return shown.length <= 60 ? shown : `${shown.slice(0, 57)}…`;
}
