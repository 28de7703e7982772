import { u8 } from '../../lib/typed-arrays.ts';
import { type Frame, Frames, mixed } from './frames.ts';
import type { Program } from './program.ts';

/** Where a text may be in a grammar: an instruction that takes a byte, and what is to follow. */
interface Place {
  at: number;
  frame: Frame;
}

type Gathered = Pick<State, 'places' | 'mayEnd' | 'shortest' | 'nearest'>;

/** All places where a text may be. Equal ones are the same object, until an automaton is renewed. */
export class State {
  readonly places: readonly Place[];
  /** Whether the text may end here. */
  readonly mayEnd: boolean;
  /** The length in bytes of the shortest text from here to an end. */
  readonly shortest: number;
  /** By the class of a byte; null where it must not come. */
  readonly next: (State | null | undefined)[];
  /** The work of each of those steps. */
  readonly work: Uint16Array;
  /** The walk that counted each of those steps last, and the one that counted this state. */
  readonly counted: Uint32Array;
  countedIn = 0;
  /** The same in every automaton of a program. Others have it as well, though rarely. */
  readonly mark: number;
  /** The set of bytes that begin a shortest text from here to an end. Null where the text may end. */
  readonly nearest: number | null;

  constructor({ places, mayEnd, shortest, nearest }: Gathered, classes: number) {
    this.places = places;
    this.mayEnd = mayEnd;
    this.shortest = shortest;
    this.nearest = nearest;
    this.mark = places.reduce((mark, { at, frame }) => mixed(mixed(mark, at), frame.mark), Number(mayEnd));
    this.next = new Array<State | null | undefined>(classes).fill(undefined);
    this.work = new Uint16Array(classes);
    this.counted = new Uint32Array(classes);
  }
}

/** Bounds of one step. What lies beyond them is left out, but never the shortest way to an end. */
const MOST_PLACES = 256;
const MOST_WORK = 2_000;
/** Of a state that is made, beside its places. */
const STATE_WORK = 16;

/**
 * Reads bytes by a program as a deterministic automaton whose states are made when they are first needed. Each of them
 * has a way to an end. A state depends on nothing but the bytes before it.
 */
export class Automaton {
  readonly #program: Program;
  readonly #frames: Frames;
  readonly #states = new Map<string, State>();

  constructor(program: Program) {
    this.#program = program;
    this.#frames = new Frames(program);
  }

  /** Number of states that it keeps. */
  get size(): number {
    return this.#states.size;
  }

  begin(): State {
    const gathering = new Gathering(this.#program, this.#frames);
    gathering.follow(this.#program.start, this.#frames.root);
    return this.#stateOf(gathering.complete(this.#program.start, this.#frames.root));
  }

  /** @returns null if the byte must not come */
  step(state: State, byte: number): State | null {
    const byteClass = u8(this.#program.classOf, byte);
    const known = state.next[byteClass];
    return known === undefined ? this.#advance(state, byteClass) : known;
  }

  /**
   * The work of a step, and of the state that it leads to, unless the same walk has counted it before: not what it was,
   * which depends on what is known already.
   */
  count(state: State, byte: number, walk: number): number {
    const byteClass = u8(this.#program.classOf, byte);
    if (state.counted[byteClass] === walk) return 0;
    state.counted[byteClass] = walk;
    const next = state.next[byteClass];
    const isNew = next != null && next.countedIn !== walk;
    if (isNew) next.countedIn = walk;
    return 1 + (state.work[byteClass] ?? 0) + (isNew ? STATE_WORK + next.places.length : 0);
  }

  /** Whether the byte is on a shortest way from here to an end. No step is made. */
  isNearest({ nearest }: State, byte: number): boolean {
    const { sets, classOf } = this.#program;
    return nearest !== null && sets[nearest]?.[u8(classOf, byte)] === 1;
  }

  /** Reads a whole text. @returns null if it leaves the grammar */
  read(state: State, bytes: Uint8Array): State | null {
    let at: State | null = state;
    for (const byte of bytes) at &&= this.step(at, byte);
    return at;
  }

  #advance(state: State, byteClass: number): State | null {
    const { code, sets, shortest } = this.#program;
    const gathering = new Gathering(this.#program, this.#frames);
    let best: Place | null = null;
    for (const { at, frame } of state.places) {
      const one = code[at];
      if (one?.op !== 'byte' || sets[one.set]?.[byteClass] !== 1) continue;
      gathering.follow(one.next, frame);
      const length = (shortest[one.next] ?? 0) + frame.shortest;
      if (!best || length < (shortest[best.at] ?? 0) + best.frame.shortest) best = { at: one.next, frame };
    }
    const next = best && this.#stateOf(gathering.complete(best.at, best.frame));
    state.next[byteClass] = next;
    state.work[byteClass] = gathering.work;
    return next;
  }

  #stateOf({ places, mayEnd }: Pick<State, 'places' | 'mayEnd'>): State {
    const key = `${mayEnd} ${places.map(({ at, frame }) => `${at}:${frame.id}`).join()}`;
    const known = this.#states.get(key);
    if (known) return known;
    const { classes } = this.#program;
    const state = new State({ places, mayEnd, ...this.#shortestFrom(places, mayEnd) }, classes);
    this.#states.set(key, state);
    return state;
  }

  #shortestFrom(places: readonly Place[], mayEnd: boolean): Pick<State, 'shortest' | 'nearest'> {
    if (mayEnd) return { shortest: 0, nearest: null };
    const lengthOf = ({ at, frame }: Place) => (this.#program.shortest[at] ?? 0) + frame.shortest;
    const [first, ...others] = places;
    const best = others.reduce((least, place) => (least && lengthOf(place) < lengthOf(least) ? place : least), first);
    const one = best && this.#program.code[best.at];
    return { shortest: best ? lengthOf(best) : Infinity, nearest: one?.op === 'byte' ? one.set : null };
  }
}

/** Follows what takes no byte, and gathers the places where one is taken. */
class Gathering {
  work = 0;
  readonly #program: Program;
  readonly #frames: Frames;
  readonly #places: Place[] = [];
  readonly #seen = new Set<number>();
  /** Of bodies that may be empty: coming back to one at once would be an empty round. */
  readonly #entered = new Set<Frame>();
  readonly #open: Place[] = [];
  #mayEnd = false;

  constructor(program: Program, frames: Frames) {
    this.#program = program;
    this.#frames = frames;
  }

  follow(at: number, frame: Frame): void {
    this.#go(at, frame);
    for (let place = this.#open.pop(); place && !this.#isFull; place = this.#open.pop()) this.#visit(place);
  }

  /** What was gathered. If that was too much, with the shortest way from this place at least. */
  complete(at: number, frame: Frame): Pick<State, 'places' | 'mayEnd'> {
    if (this.#isFull) {
      const place = shortestPlace(this.#program, this.#frames, at, frame);
      const isThere = place && this.#places.some((other) => other.at === place.at && other.frame === place.frame);
      if (!place) this.#mayEnd = true;
      else if (!isThere) this.#places.push(place);
    }
    return { places: this.#places, mayEnd: this.#mayEnd };
  }

  get #isFull(): boolean {
    return this.work >= MOST_WORK || this.#places.length >= MOST_PLACES;
  }

  #go(at: number, frame: Frame): void {
    if ((this.#program.shortest[at] ?? 0) + frame.shortest === Infinity) return;
    this.#open.push({ at, frame });
  }

  #visit(place: Place): void {
    const { at, frame } = place;
    const key = frame.id * this.#program.code.length + at;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.work++;
    const one = this.#program.code[at];
    switch (one?.op) {
      case 'byte':
        this.#places.push(place);
        break;
      case 'either':
        for (let i = one.targets.length - 1; i >= 0; i--) this.#go(one.targets[i] ?? 0, frame);
        break;
      case 'loop':
        this.#go(one.next, frame);
        this.#go(one.body, frame);
        break;
      case 'call':
        this.#go(this.#entryOf(one.rule), this.#frames.of(frame, at, 0));
        break;
      case 'jump':
        this.#go(this.#entryOf(one.rule), frame);
        break;
      case 'repeat':
        if (one.least === 0) this.#go(one.next, frame);
        this.#enter(one.body, this.#frames.of(frame, at, 0));
        break;
      case 'return':
      case undefined:
        this.#return(frame);
    }
  }

  #entryOf(rule: number): number {
    return this.#program.entries[rule] ?? 0;
  }

  #enter(body: number, frame: Frame): void {
    if (this.#program.shortest[body] === 0) this.#entered.add(frame);
    this.#go(body, frame);
  }

  #return(frame: Frame): void {
    const { parent, at, count } = frame;
    if (!parent) {
      this.#mayEnd = true;
      return;
    }
    const one = this.#program.code[at];
    if (one?.op === 'call') this.#go(one.next, parent);
    if (one?.op !== 'repeat' || this.#entered.has(frame)) return;
    const done = count + 1;
    if (done >= one.least) this.#go(one.next, parent);
    if (one.most === null || done < one.most)
      this.#enter(one.body, this.#frames.of(parent, at, one.most === null ? Math.min(done, one.least) : done));
  }
}

/** The place of the shortest text from here. Null if that is empty to the end of all. */
function shortestPlace(program: Program, frames: Frames, from: number, within: Frame): Place | null {
  const { code, shortest, entries } = program;
  let [at, frame] = [from, within];
  for (;;) {
    const one = code[at];
    switch (one?.op) {
      case 'byte':
        return { at, frame };
      case 'either':
        at = one.targets.reduce((best, to) => ((shortest[to] ?? 0) < (shortest[best] ?? 0) ? to : best));
        break;
      case 'loop':
        at = one.next;
        break;
      case 'call':
        [at, frame] = [entries[one.rule] ?? 0, frames.of(frame, at, 0)];
        break;
      case 'jump':
        at = entries[one.rule] ?? 0;
        break;
      case 'repeat':
        if (one.least === 0) at = one.next;
        else [at, frame] = [one.body, frames.of(frame, at, 0)];
        break;
      case 'return':
      case undefined: {
        if (!frame.parent) return null;
        [at, frame] = frames.back(frame);
      }
    }
  }
}
