/** Rows by key. Of rows with the same key the last one counts. */
export function indexBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** Rows grouped by key, each group in the rows' order. */
export function groupBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}

/** The value of a key that must exist. @throws RangeError if it does not */
export function entryOf<Key, Value>(values: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = values.get(key);
  if (value === undefined) throw new RangeError(`There is no entry ${String(key)}`);
  return value;
}

/** Sums by key. The sum of a key to which nothing was added is 0. */
export class Counter<Key> extends Map<Key, number> {
  of(key: Key): number {
    return this.get(key) ?? 0;
  }

  add(key: Key, value = 1): void {
    this.set(key, this.of(key) + value);
  }
}
