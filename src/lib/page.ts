import { InvalidInputError } from './errors.ts';

/** Forward pagination: at most `first` nodes after an opaque cursor. */
export interface PageArgs {
  first: number;
  after?: string | null;
}

/** One keyset page. `total` is called only if a client selects it. */
export interface Page<Node> {
  edges: readonly { cursor: string; node: Node }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  total: () => Promise<number>;
}

/** `first` is 1–100 ([PAGE1]). */
export function checkFirst(first: number, field = 'first'): number {
  if (Number.isInteger(first) && first >= 1 && first <= 100) return first;
  throw new InvalidInputError(`${field} must be between 1 and 100, not ${first}`, field);
}

type Key = readonly (string | number | null)[];

/**
 * A cursor contains its list and the last row's sort key, not an offset, so that pages do not shift while rows are
 * added ([PAGE2]).
 */
export function encodeCursor(list: string, key: Key): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url');
}

/**
 * Like `encodeCursor`, for many keys of numbers in one list. Only the key is encoded each time, because base64 encodes
 * each three bytes independently.
 */
export function cursorEncoder(list: string): (...key: number[]) => string {
  const bytes = Buffer.from(`[${JSON.stringify(list)},`);
  const whole = bytes.length - (bytes.length % 3);
  const start = bytes.toString('base64url', 0, whole);
  const rest = bytes.toString('latin1', whole);
  return (...key) => start + Buffer.from(`${rest}${key.join(',')}]`, 'latin1').toString('base64url');
}

/**
 * Validates a part of a key. A cursor's parts become column values in a query, and PostgreSQL fails on values outside a
 * column's range.
 */
export type KeyPart<Value> = (value: unknown) => value is Value;

/** Instants with a four-digit year. PostgreSQL does not parse how others are written. */
const [FIRST_INSTANT, LAST_INSTANT] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most;

export const keyPart = {
  /** The id of a row. */
  id: (value: unknown): value is number => isWhole(value, 1, Number.MAX_SAFE_INTEGER),
  /** A PostgreSQL `integer`. */
  integer: (value: unknown): value is number => isWhole(value, -(2 ** 31), 2 ** 31 - 1),
  integerOrNull: (value: unknown): value is number | null => value === null || keyPart.integer(value),
  number: (value: unknown): value is number => Number.isFinite(value),
  text: (value: unknown): value is string => typeof value === 'string' && !/\0|\p{Surrogate}/u.test(value),
  textOrNull: (value: unknown): value is string | null => value === null || keyPart.text(value),
  uuid: (value: unknown): value is string => typeof value === 'string' && UUID.test(value),
  /** Milliseconds since the epoch. */
  instant: (value: unknown): value is number => isWhole(value, FIRST_INSTANT, LAST_INSTANT),
};

/** @throws InvalidInputError if `encodeCursor` did not create the cursor for this list and these parts */
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

/** Creates a page from up to `first + 1` rows. The extra row only shows that there is a next page. */
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
