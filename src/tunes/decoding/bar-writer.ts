import { ANY_COUNT, countsAfter, type NoteCounts } from './fill-table.ts';
import type { PlayableNote, Scale } from './scale.ts';
import type { Symbols } from './symbols.ts';

/** What the notes that come next must be. A triplet's length is that of its first note. */
type Due =
  | { type: 'anything' }
  | { type: 'pair'; ticks: number }
  | { type: 'tied'; note: PlayableNote }
  | { type: 'triplet'; ticks: number | null; left: number };

const ANYTHING: Due = { type: 'anything' };
const MOST_GRACES = 2;
const TRIPLET = 3;

export interface BarToWrite {
  ticks: number;
  closes: boolean;
}

/**
 * The inside of one bar, symbol by symbol. `allowed` are those after which the bar can still be completed: exactly as
 * long as it is to be, in the numbers of notes that `limit` allows, on the tonic if it closes.
 */
export class BarWriter {
  readonly #scale: Scale;
  readonly #symbols: Symbols;
  readonly #closes: boolean;
  #limit: NoteCounts = ANY_COUNT;
  /** Ticks that are left. */
  #rest: number;
  #count = 0;
  #due: Due = ANYTHING;
  /** The note that was just written, if it may still be lengthened or tied. */
  #last: PlayableNote | null = null;
  #afterNote = false;
  /** Notes since a slur was opened. */
  #slurred: number | null = null;
  #graces: number | null = null;
  /** A decoration, grace notes or the beginning of a slur: a note must follow. */
  #awaitsNote = false;

  constructor(scale: Scale, symbols: Symbols, { ticks, closes }: BarToWrite) {
    this.#scale = scale;
    this.#symbols = symbols;
    this.#closes = closes;
    this.#rest = ticks;
  }

  /** Ticks that are left to write. */
  get rest(): number {
    return this.#rest;
  }

  /** Number of notes so far. */
  get count(): number {
    return this.#count;
  }

  /** Nothing is open: neither a pair nor a triplet, slur or grace notes. */
  get settled(): boolean {
    return this.#due.type === 'anything' && this.#slurred === null && this.#graces === null && !this.#awaitsNote;
  }

  get complete(): boolean {
    return this.#rest === 0 && this.settled;
  }

  /** Limits the number of notes of the whole bar, unless it can no longer be met. */
  limit(counts: NoteCounts): void {
    const left = this.#scale.counts(this.#rest, this.#closes);
    this.#limit = (left & countsAfter(counts, this.#count)) === 0 ? ANY_COUNT : counts;
  }

  /** The tokens that may come next. There is at least one while the bar is not complete. */
  *allowed(): Iterable<number> {
    if (this.#graces !== null) {
      yield* this.#allowedGraces(this.#graces);
      return;
    }
    for (const note of this.#scale.notes) if (this.#fits(note)) yield note.token;
    if (this.#due.type === 'anything' && !this.#awaitsNote) yield* this.#allowedMarks();
  }

  accept(token: number): void {
    const note = this.#scale.noteOf.get(token);
    if (note && this.#graces !== null) this.#graces++;
    else if (note) this.#acceptNote(note);
    else this.#acceptMark(token);
  }

  *#allowedGraces(written: number): Iterable<number> {
    const { graceClose } = this.#symbols;
    if (written > 0 && graceClose !== null) yield graceClose;
    if (written >= MOST_GRACES) return;
    for (const { token, pitch, length } of this.#scale.notes) {
      if (pitch?.accidental === null && length.over === length.under) yield token;
    }
  }

  *#allowedMarks(): Iterable<number> {
    const { space, tie, triplet, slurOpen, slurClose, graceOpen, graceClose, decorations, broken } = this.#symbols;
    if (slurClose !== null && this.#afterNote && (this.#slurred ?? 0) >= 2) yield slurClose;
    if (this.#rest === 0) return;
    if (space !== null && this.#afterNote) yield space;
    if (this.#last && this.#canBeBroken(this.#last)) yield* broken;
    if (tie !== null && this.#last && this.#canBeTied(this.#last)) yield tie;
    if (triplet !== null && this.#scale.lengths.some((ticks) => this.#tripletFits(ticks))) yield triplet;
    if (slurOpen !== null && this.#slurred === null && this.#hasRoomForTwo()) yield slurOpen;
    if (graceOpen !== null && graceClose !== null && this.#hasGraces()) yield graceOpen;
    yield* decorations;
  }

  #fits(note: PlayableNote): boolean {
    const due = this.#due;
    switch (due.type) {
      case 'anything':
        return this.#leads(note) && !(this.#awaitsNote && note.pitch === null);
      case 'pair':
        return note.pitch !== null && note.ticks === due.ticks && this.#leads(note);
      case 'tied':
        return isSamePitch(note, due.note) && this.#leads(note);
      case 'triplet':
        return note.pitch !== null && this.#fitsTriplet(note, due);
    }
  }

  #fitsTriplet(note: PlayableNote, { ticks, left }: { ticks: number | null; left: number }): boolean {
    if (ticks === null) return this.#tripletFits(note.ticks);
    const ends = left === 1 && this.#rest === 0 && this.#closes;
    return note.ticks === ticks && (!ends || note.closing);
  }

  /** Whether the bar can be completed after this note. */
  #leads({ ticks, pitch, closing }: PlayableNote): boolean {
    const rest = this.#rest - ticks;
    if (rest < 0 || (rest === 0 && this.#slurred === 0)) return false;
    if (pitch === null) return rest > 0 && this.#limit === ANY_COUNT && this.#canFill(rest, 0);
    return (rest > 0 || !this.#closes || closing) && this.#canFill(rest, 1);
  }

  /** Whether the bar can be completed when this much is left and `more` notes have been written. */
  #canFill(rest: number, more: number): boolean {
    return (this.#scale.counts(rest, this.#closes) & countsAfter(this.#limit, this.#count + more)) !== 0;
  }

  /** Three notes of this length, in the time of two. */
  #tripletFits(ticks: number): boolean {
    const rest = this.#rest - 2 * ticks;
    if (rest < 0 || !this.#canFill(rest, TRIPLET)) return false;
    return rest > 0 || !this.#closes || this.#scale.notes.some((note) => note.closing && note.ticks === ticks);
  }

  #canBeBroken({ ticks }: PlayableNote): boolean {
    return this.#scale.notes.some((note) => note.pitch !== null && note.ticks === ticks && this.#leads(note));
  }

  #canBeTied(last: PlayableNote): boolean {
    return this.#scale.notes.some((note) => isSamePitch(note, last) && this.#leads(note));
  }

  /** Whether a note can come that leaves room for another. */
  #hasRoomForTwo(): boolean {
    return this.#scale.notes.some((note) => note.ticks < this.#rest && note.pitch !== null && this.#leads(note));
  }

  #hasGraces(): boolean {
    return this.#scale.notes.some(({ pitch, length }) => pitch?.accidental === null && length.over === length.under);
  }

  #acceptNote(note: PlayableNote): void {
    const due = this.#due;
    const inTriplet = due.type === 'triplet';
    if (!inTriplet) this.#rest -= note.ticks;
    else if (due.ticks === null) this.#rest -= 2 * note.ticks;
    this.#due = inTriplet && due.left > 1 ? { type: 'triplet', ticks: note.ticks, left: due.left - 1 } : ANYTHING;
    if (note.pitch) this.#count++;
    if (this.#slurred !== null) this.#slurred++;
    this.#last = due.type === 'anything' && note.pitch ? note : null;
    this.#afterNote = true;
    this.#awaitsNote = false;
  }

  #acceptMark(token: number): void {
    const { tie, triplet, slurOpen, slurClose, graceOpen, graceClose, decorations, broken } = this.#symbols;
    if (broken.has(token) && this.#last) this.#due = { type: 'pair', ticks: this.#last.ticks };
    else if (token === tie && this.#last) this.#due = { type: 'tied', note: this.#last };
    else if (token === triplet) this.#due = { type: 'triplet', ticks: null, left: TRIPLET };
    else if (token === slurOpen) this.#slurred = 0;
    else if (token === slurClose) this.#slurred = null;
    else if (token === graceOpen) this.#graces = 0;
    else if (token === graceClose) this.#graces = null;
    this.#last = null;
    this.#afterNote = token === slurClose;
    this.#awaitsNote = token === slurOpen || token === graceClose || decorations.has(token);
  }
}

const isSamePitch = ({ pitch }: PlayableNote, { pitch: other }: PlayableNote): boolean =>
  pitch !== null && pitch.accidental === null && pitch.letter === other?.letter && pitch.octave === other.octave;
