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

/** A cursor names the last row's sort key, never its offset, so pages stay put while rows are added ([PAGE2]). */
export function encodeCursor(key: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws InvalidInputError when the cursor was not made by `encodeCursor` with as many parts. */
export function decodeCursor(cursor: string, parts: number, field = 'after'): (string | number | null)[] {
  const key = parseJson(Buffer.from(cursor, 'base64url').toString());
  const isKeyPart = (part: unknown) => part === null || typeof part === 'string' || typeof part === 'number';
  if (Array.isArray(key) && key.length === parts && key.every(isKeyPart)) return key;
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
  { first, after }: PageArgs,
  keyOf: (row: Row) => readonly (string | number | null)[],
  total: () => Promise<number>,
): Page<Row> {
  const edges = rows.slice(0, first).map((node) => ({ cursor: encodeCursor(keyOf(node)), node }));
  return { edges, hasNextPage: rows.length > first, hasPreviousPage: after != null, total };
}
