import koffi from 'koffi';

/** A `char*[]`: the strings and, pointing into them, the table. The strings must outlive the table's use. */
export function cStrings(strings: readonly string[]): { table: BigUint64Array; buffers: Buffer[] } {
  const buffers = strings.map((string) => Buffer.from(`${string}\0`));
  return { table: BigUint64Array.from(buffers, (buffer) => koffi.address(buffer)), buffers };
}
