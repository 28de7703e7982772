import { u8 } from '../../lib/typed-arrays.ts';
import type { Span } from './expression.ts';

/** Sets of bytes, and the classes of bytes that no set tells apart. */
export class ByteClasses {
  /** Of each byte. */
  readonly of = new Uint8Array(256);
  count = 1;
  readonly #members: Uint8Array[] = [];
  readonly #ids = new Map<string, number>();
  /** By the object, which what is written often shares. */
  readonly #known = new Map<readonly Span[], number | null>();
  /** Bytes that may occur. */
  readonly #alphabet: Uint8Array;

  constructor(alphabet: ReadonlySet<number>) {
    this.#alphabet = Uint8Array.from({ length: 256 }, (_, byte) => Number(alphabet.has(byte)));
  }

  /** @returns the set's number, or null if it has no byte that may occur */
  add(ranges: readonly Span[]): number | null {
    const known = this.#known.get(ranges);
    if (known !== undefined) return known;
    const id = this.#addMembers(this.#membersOf(ranges));
    this.#known.set(ranges, id);
    return id;
  }

  /** The classes of each set, once all sets have been added. */
  tables(): Uint8Array[] {
    return this.#members.map((members) => {
      const table = new Uint8Array(this.count);
      members.forEach((member, byte) => {
        if (member === 1) table[u8(this.of, byte)] = 1;
      });
      return table;
    });
  }

  #membersOf(ranges: readonly Span[]): Uint8Array {
    const members = new Uint8Array(256);
    for (const [from, to] of ranges) members.set(this.#alphabet.subarray(from, to + 1), from);
    return members;
  }

  #addMembers(members: Uint8Array): number | null {
    if (!members.includes(1)) return null;
    const key = Buffer.from(members.buffer).toString('latin1');
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#split(members);
    this.#ids.set(key, this.#members.length);
    return this.#members.push(members) - 1;
  }

  /** Bytes of a class of which the set has some and lacks some get a class of their own. */
  #split(members: Uint8Array): void {
    const outside = new Uint8Array(256);
    const after = new Uint8Array(256);
    for (let byte = 0; byte < 256; byte++) if (members[byte] === 0) outside[u8(this.of, byte)] = 1;
    for (let byte = 0; byte < 256; byte++) {
      const before = u8(this.of, byte);
      if (members[byte] === 0 || outside[before] === 0) continue;
      // The first class has bytes that no set has, or has never been split; a new one is never 0.
      if (after[before] === 0) after[before] = this.count++;
      this.of[byte] = u8(after, before);
    }
  }
}
