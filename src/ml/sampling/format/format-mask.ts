import type { Automaton, State } from '../../../formats/formats.ts';
import { i32, u8, u32 } from '../../../lib/typed-arrays.ts';
import { isPlain, type TokenTrie } from './token-trie.ts';

/** Tokens after which an answer can still be completed. */
export interface FormatMask {
  allowed: Uint32Array; // [vocab / 32]
  /** The most bytes that may be missing to an end after one of them. */
  farthest: number;
  /** What it took to find them: the marks of states, each with the steps from it in an automaton that knows nothing yet. */
  work: Uint32Array; // [states, 2]
}

const PLAIN = Array.from({ length: 256 }, (_, byte) => byte).filter(isPlain);
/** Of a mask. Beyond it, further tokens are left out. */
const MOST_WORK = 64_000;

/** Walks the vocabulary's tree beside the automaton. */
export class FormatMasks {
  readonly #automaton: Automaton;
  readonly #trie: TokenTrie;
  readonly #vocab: number;
  /** The state before each byte of the token that is looked at. */
  readonly #path: State[] = [];
  /** What this walk has found. What others found would make its work depend on them. */
  readonly #runs = new Map<State, number>();
  readonly #afterPlain = new Map<State, State | null>();
  readonly #works = new Map<number, number>();
  #number = 0;
  #work = 0;
  #farthest = 0;

  constructor(automaton: Automaton, trie: TokenTrie, vocab: number) {
    this.#automaton = automaton;
    this.#trie = trie;
    this.#vocab = vocab;
  }

  /** @param room the most bytes that may be missing to an end after a token */
  of(state: State, room: number): FormatMask {
    const allowed = new Uint32Array(Math.ceil(this.#vocab / 32));
    [this.#work, this.#farthest] = [0, 0];
    this.#number++;
    this.#works.clear();
    this.#runs.clear();
    this.#afterPlain.clear();
    this.#allowNearest(allowed, state);
    this.#allowBytes(allowed, state, room);
    this.#walk(allowed, state, room);
    return { allowed, farthest: this.#farthest, work: Uint32Array.from([...this.#works].flat()) };
  }

  /** Tokens of one byte that are on a shortest way to an end. It takes no work to know them. */
  nearest(state: State): Uint32Array {
    const allowed = new Uint32Array(Math.ceil(this.#vocab / 32));
    this.#allowNearest(allowed, state);
    return allowed;
  }

  #allowNearest(allowed: Uint32Array, state: State): void {
    const { length, bytes, after } = this.#trie;
    for (let node = 0; node < length; node = i32(after, node))
      if (this.#automaton.isNearest(state, u8(bytes, node))) this.#allow(allowed, node, node + 1, state.shortest - 1);
  }

  /** Tokens of one byte before all others: with them, any text can be written. */
  #allowBytes(allowed: Uint32Array, state: State, room: number): void {
    const { length, bytes, after } = this.#trie;
    for (let node = 0; node < length; node = i32(after, node)) {
      const next = this.#step(state, u8(bytes, node));
      if (next && next.shortest <= room) this.#allow(allowed, node, node + 1, next.shortest);
    }
  }

  #walk(allowed: Uint32Array, state: State, room: number): void {
    const { length, bytes, depths, after } = this.#trie;
    const path = this.#path;
    path[0] = state;
    for (let node = 0; node < length;) {
      const depth = depths[node] ?? 0;
      const next = this.#step(path[depth] ?? state, bytes[node] ?? 0);
      if (!next) {
        node = i32(after, node);
        continue;
      }
      path[depth + 1] = next;
      const fits = next.shortest <= room;
      if (fits && this.#isRun(node, next)) {
        this.#allow(allowed, node, i32(after, node), next.shortest);
        node = i32(after, node);
        continue;
      }
      if (fits) this.#allow(allowed, node, node + 1, next.shortest);
      node++;
    }
  }

  #step(state: State, byte: number): State | null {
    if (this.#work >= MOST_WORK) return null;
    const next = this.#automaton.step(state, byte);
    const work = this.#automaton.count(state, byte, this.#number);
    if (work > 0) this.#count(state, work);
    return next;
  }

  #count({ mark }: State, work: number): void {
    this.#work += work;
    this.#works.set(mark, (this.#works.get(mark) ?? 0) + work);
  }

  /** Whether all tokens below are allowed, without looking at them. */
  #isRun(node: number, state: State): boolean {
    const { plain, heights } = this.#trie;
    const height = heights[node] ?? 0;
    return height > 0 && plain[node] === 1 && this.#runOf(state, height) >= height;
  }

  /** How many plain bytes, whichever they are, may come without an end becoming farther away. At least `wanted`, if so many. */
  #runOf(state: State, wanted: number): number {
    const known = this.#runs.get(state);
    if (known !== undefined && (known >= wanted || known < this.#trie.deepest)) return known;
    const run = this.#measureRun(state, 0);
    this.#runs.set(state, run);
    return run;
  }

  #measureRun(from: State, before: number): number {
    let [state, run] = [from, before];
    while (run < this.#trie.deepest) {
      const next = this.#plainStep(state);
      if (!next) return run;
      if (next === state) return Infinity;
      const known = this.#runs.get(next);
      if (known !== undefined) return run + 1 + known;
      [state, run] = [next, run + 1];
    }
    return run;
  }

  /** The state after any plain byte, if that is one and is no farther from an end. */
  #plainStep(state: State): State | null {
    const known = this.#afterPlain.get(state);
    if (known !== undefined) return known;
    const found = this.#tryPlain(state);
    this.#afterPlain.set(state, found);
    return found;
  }

  #tryPlain(state: State): State | null {
    const next = this.#step(state, PLAIN[0] ?? 0);
    if (!next || next.shortest > state.shortest) return null;
    return PLAIN.every((byte) => this.#step(state, byte) === next) ? next : null;
  }

  /** Allows the tokens of these nodes. */
  #allow(allowed: Uint32Array, node: number, after: number, shortest: number): void {
    const { tokens, starts } = this.#trie;
    const end = starts[after] ?? 0;
    for (let i = starts[node] ?? 0; i < end; i++) {
      const token = tokens[i] ?? 0;
      allowed[token >> 5] = u32(allowed, token >> 5) | (1 << (token & 31));
    }
    if (end > (starts[node] ?? 0)) this.#farthest = Math.max(this.#farthest, shortest);
  }
}
