import { and, or, type SQL, sql } from 'drizzle-orm';
import { type KeyPart, keyPart } from '../../lib/page.ts';

/** One part of the sort key: an expression, its direction (nulls last in either), and its valid values. */
export interface SortKey {
  expression: SQL<string | number | null>;
  descending: boolean;
  /** Read backwards from an index, no row lacking it. */
  backwards?: boolean;
  part: KeyPart<string | number | null>;
  /** A condition that every row with this key satisfies, so that an index can be used. */
  present?: SQL;
}

/** The order of nulls is part of an index's order, even where there are none: backwards, they come first. */
export function directed({ expression, descending, backwards }: SortKey): SQL {
  if (backwards) return descending ? sql`${expression} desc nulls first` : sql`${expression} asc nulls first`;
  return descending ? sql`${expression} desc nulls last` : sql`${expression} asc nulls last`;
}

/** The same keys in the other direction. Where a key may be null, its nulls are last again, which takes an index of its own. */
export function reversed(order: readonly SortKey[]): SortKey[] {
  const backwards = order.every(({ part }) => part !== keyPart.integerOrNull && part !== keyPart.textOrNull);
  return order.map((key) => ({ ...key, descending: !key.descending, backwards }));
}

/** `(a, b, c) > key`, each part in its own direction with nulls last. A row comparison cannot express that. */
export function afterKey(order: readonly SortKey[], key: readonly (string | number | null)[]): SQL | undefined {
  const alternatives = order.map((part, i) =>
    and(...order.slice(0, i).map((p, j) => equalTo(p, key[j])), beyond(part, key[i])),
  );
  return or(...alternatives);
}

function equalTo({ expression }: SortKey, value: string | number | null | undefined): SQL {
  return value == null ? sql`${expression} is null` : sql`${expression} = ${value}`;
}

function beyond({ expression, descending }: SortKey, value: string | number | null | undefined): SQL {
  if (value == null) return sql`false`;
  return descending
    ? sql`(${expression} < ${value} or ${expression} is null)`
    : sql`(${expression} > ${value} or ${expression} is null)`;
}
