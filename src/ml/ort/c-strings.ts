import koffi from 'koffi';

/** A `char*[]`: the strings, and a table of pointers to them. The strings must outlive the use of the table. */
export function cStrings(strings: readonly string[]): { table: BigUint64Array; buffers: Buffer[] } {
  const buffers = strings.map((string) => Buffer.from(`${string}\0`));
  return { table: BigUint64Array.from(buffers, (buffer) => koffi.address(buffer)), buffers };
}
