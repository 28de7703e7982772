import { InvalidInputError } from './errors.ts';

/** Forward pagination: at most `first` nodes after an opaque cursor. */
export interface PageArgs {
  first: number;
  after?: string | null;
}

/** One keyset page. `total` is asked for only when a client selects it. */
export interface Page<Node> {
  edges: readonly { cursor: string; node: Node }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  total: () => Promise<number>;
}

/** SPEC [PAGE1]: `first` is 1–100. */
export function checkFirst(first: number, field = 'first'): number {
  if (Number.isInteger(first) && first >= 1 && first <= 100) return first;
  throw new InvalidInputError(`${field} must be between 1 and 100, not ${first}`, field);
}

type Key = readonly (string | number | null)[];

/**
 * A cursor names its list and the last row's sort key, never its offset, so pages stay put while rows are added ([PAGE2]).
 */
export function encodeCursor(list: string, key: Key): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url');
}

/**
 * `encodeCursor` for many numbers in one list: all but the number is spelled once, since base64 spells every three bytes by
 * themselves.
 */
export function cursorEncoder(list: string): (key: number) => string {
  const bytes = Buffer.from(`[${JSON.stringify(list)},`);
  const whole = bytes.length - (bytes.length % 3);
  const start = bytes.toString('base64url', 0, whole);
  const rest = bytes.toString('latin1', whole);
  return (key) => start + Buffer.from(`${rest}${key}]`, 'latin1').toString('base64url');
}

/** What may stand in a key: a query takes a cursor's word for a column's value, and PostgreSQL refuses what no column holds. */
export type KeyPart<Value> = (value: unknown) => value is Value;

/** The years that have four digits: instants outside are spelled in a way that PostgreSQL does not read. */
const [FIRST_INSTANT, LAST_INSTANT] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most;

export const keyPart = {
  /** Of a row. */
  id: (value: unknown): value is number => isWhole(value, 1, Number.MAX_SAFE_INTEGER),
  /** A PostgreSQL `integer`. */
  integer: (value: unknown): value is number => isWhole(value, -(2 ** 31), 2 ** 31 - 1),
  integerOrNull: (value: unknown): value is number | null => value === null || keyPart.integer(value),
  number: (value: unknown): value is number => Number.isFinite(value),
  text: (value: unknown): value is string => typeof value === 'string' && !/\0|\p{Surrogate}/u.test(value),
  uuid: (value: unknown): value is string => typeof value === 'string' && UUID.test(value),
  /** Milliseconds since the epoch. */
  instant: (value: unknown): value is number => isWhole(value, FIRST_INSTANT, LAST_INSTANT),
};

/** @throws InvalidInputError when the cursor was not made by `encodeCursor` for this list, of these parts */
export function decodeCursor<Parts extends readonly unknown[] | []>(
  cursor: string,
  list: string,
  parts: { readonly [Part in keyof Parts]: KeyPart<Parts[Part]> },
  field = 'after',
): Parts {
  const cells = parseJson(Buffer.from(cursor, 'base64url').toString());
  if (Array.isArray(cells) && cells[0] === list && cells.length === parts.length + 1) {
    const key: unknown[] = cells.slice(1);
    if (parts.every((isPart, i) => isPart(key[i]))) return key as unknown as Parts;
  }
  throw new InvalidInputError(`${field} is not a cursor of this list`, field);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes a page from up to `first + 1` rows: the extra row only tells that there is a next page. */
export function pageOf<Row>(
  rows: readonly Row[],
  list: string,
  { first, after }: PageArgs,
  keyOf: (row: Row) => Key,
  total: () => Promise<number>,
): Page<Row> {
  const edges = rows.slice(0, first).map((node) => ({ cursor: encodeCursor(list, keyOf(node)), node }));
  return { edges, hasNextPage: rows.length > first, hasPreviousPage: after != null, total };
}
