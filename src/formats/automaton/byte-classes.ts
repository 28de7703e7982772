import { u8 } from '../../lib/typed-arrays.ts';
import type { Span } from './expression.ts';

/** Sets of bytes, and the classes of bytes that no set tells apart. */
export class ByteClasses {
  /** Of each byte. */
  readonly of = new Uint8Array(256);
  count = 1;
  readonly #members: boolean[][] = [];
  readonly #ids = new Map<string, number>();
  /** Bytes that may occur. */
  readonly #alphabet: ReadonlySet<number>;

  constructor(alphabet: ReadonlySet<number>) {
    this.#alphabet = alphabet;
  }

  /** @returns the set's number, or null if it has no byte that may occur */
  add(ranges: readonly Span[]): number | null {
    const key = ranges.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const members = Array.from(
      { length: 256 },
      (_, byte) => this.#alphabet.has(byte) && ranges.some(([from, to]) => byte >= from && byte <= to),
    );
    if (!members.includes(true)) return null;
    this.#split(members);
    this.#ids.set(key, this.#members.length);
    return this.#members.push(members) - 1;
  }

  /** The classes of each set, once all sets have been added. */
  tables(): Uint8Array[] {
    return this.#members.map((members) => {
      const table = new Uint8Array(this.count);
      members.forEach((member, byte) => {
        if (member) table[u8(this.of, byte)] = 1;
      });
      return table;
    });
  }

  #split(members: readonly boolean[]): void {
    const inside = new Map<number, number>();
    const outside = new Set<number>();
    members.forEach((member, byte) => {
      if (!member) outside.add(u8(this.of, byte));
    });
    members.forEach((member, byte) => {
      const before = u8(this.of, byte);
      if (!member || !outside.has(before)) return;
      const after = inside.get(before) ?? this.count++;
      inside.set(before, after);
      this.of[byte] = after;
    });
  }
}
