import { f64, i32 } from '../../lib/typed-arrays.ts';
import type { Instruction } from './program.ts';

/** An instruction, and the length of the shortest text from it. */
interface Found {
  index: number;
  length: number;
}

/**
 * The length of the shortest text from each instruction to the end of its rule or body. Nothing is shorter than what it is
 * made of, so the shortest of all that are open is final, and each instruction is looked at once (Knuth 1977).
 */
export function shortestOf(code: readonly Instruction[], entries: readonly number[]): Float64Array {
  const shortest = new Float64Array(code.length).fill(Infinity);
  const needs = code.map((one) => needsOf(one, entries));
  const missing = Int32Array.from(code, (one, index) => (one.op === 'either' ? 1 : (needs[index]?.length ?? 0)));
  const users = usersOf(needs);
  const open = new OpenInstructions();
  for (let index = 0; index < code.length; index++) if (missing[index] === 0) open.push({ index, length: 0 });
  for (let found = open.pop(); found; found = open.pop()) {
    shortest[found.index] = found.length;
    for (const user of users[found.index] ?? []) {
      missing[user] = i32(missing, user) - 1;
      if (missing[user] === 0) open.push({ index: user, length: lengthOf(code[user], needs[user] ?? [], shortest) });
    }
  }
  return shortest;
}

/** What an instruction's length is made of: all of these, or the shortest of them if it is a choice. */
function needsOf(one: Instruction, entries: readonly number[]): readonly number[] {
  switch (one.op) {
    case 'byte':
    case 'loop':
      return [one.next];
    case 'either':
      return one.targets;
    case 'call':
      return [entries[one.rule] ?? -1, one.next];
    case 'jump':
      return [entries[one.rule] ?? -1];
    case 'repeat':
      return one.least === 0 ? [one.next] : [one.body, one.next];
    case 'return':
      return [];
  }
}

function usersOf(needs: readonly (readonly number[])[]): number[][] {
  const users: number[][] = needs.map(() => []);
  needs.forEach((needed, user) => {
    for (const index of needed) users[index]?.push(user);
  });
  return users;
}

/** Once all that it needs is known; of a choice, once the first is. */
function lengthOf(one: Instruction | undefined, needs: readonly number[], shortest: Float64Array): number {
  const lengths = needs.map((index) => f64(shortest, index));
  if (one?.op === 'either') return Math.min(...lengths);
  const [first = 0, second = 0] = lengths;
  return (one?.op === 'byte' ? 1 : 0) + (one?.op === 'repeat' && one.least > 0 ? one.least * first : first) + second;
}

/** A binary heap. */
class OpenInstructions {
  readonly #items: Found[] = [];

  push(item: Found): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    for (let above = (at - 1) >> 1; at > 0 && item.length < this.#lengthAt(above); above = (at - 1) >> 1) {
      this.#move(above, at);
      at = above;
    }
    items[at] = item;
  }

  pop(): Found | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (!last || items.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const below = this.#lengthAt(left + 1) < this.#lengthAt(left) ? left + 1 : left;
      if (this.#lengthAt(below) >= last.length) break;
      this.#move(below, at);
      at = below;
    }
    items[at] = last;
    return first;
  }

  #lengthAt(index: number): number {
    return this.#items[index]?.length ?? Infinity;
  }

  #move(from: number, to: number): void {
    const item = this.#items[from];
    if (item) this.#items[to] = item;
  }
}
