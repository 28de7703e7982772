import type { Program } from './program.ts';

/** What follows a rule or one round of a counted body. Equal ones are the same object. */
export interface Frame {
  id: number;
  /** Null for the whole answer. */
  parent: Frame | null;
  /** The instruction that was called. */
  at: number;
  /** Number of complete rounds. */
  count: number;
  /** The length in bytes of the shortest text from its end to the end of all. */
  shortest: number;
  children: Map<number, Frame>;
  /** The same in every automaton of a program, as `id` is not. Others have it as well, though rarely. */
  mark: number;
}

/** Of two numbers, one of 32 bits. */
export const mixed = (one: number, other: number): number =>
  (Math.imul(Math.imul(one ^ (one >>> 15), 0x2c1b3c6d) + other, 0x297a2d39) ^ (other >>> 7)) >>> 0;

export class Frames {
  readonly root: Frame = { id: 0, parent: null, at: -1, count: 0, shortest: 0, children: new Map(), mark: 1 };
  readonly #program: Program;
  #nextId = 1;

  constructor(program: Program) {
    this.#program = program;
  }

  of(parent: Frame, at: number, count: number): Frame {
    const key = at * 2 ** 32 + count;
    const known = parent.children.get(key);
    if (known) return known;
    const mark = mixed(mixed(parent.mark, at), count);
    const children = new Map<number, Frame>();
    const frame = { id: this.#nextId++, parent, at, count, shortest: Infinity, children, mark };
    frame.shortest = this.#shortestAfter(frame) + parent.shortest;
    parent.children.set(key, frame);
    return frame;
  }

  /** Where the shortest text goes on after a round. */
  back({ parent, at, count }: Frame): [number, Frame] {
    const one = this.#program.code[at];
    const after = parent ?? this.root;
    if (one?.op === 'repeat' && count + 1 < one.least) return [one.body, this.of(after, at, count + 1)];
    return [one && 'next' in one ? one.next : 0, after];
  }

  #shortestAfter({ at, count }: Frame): number {
    const { code, shortest } = this.#program;
    const one = code[at];
    if (!one || !('next' in one)) return 0;
    const rounds = one.op === 'repeat' ? Math.max(0, one.least - count - 1) : 0;
    const body = one.op === 'repeat' ? (shortest[one.body] ?? 0) : 0;
    return rounds * body + (shortest[one.next] ?? 0);
  }
}
