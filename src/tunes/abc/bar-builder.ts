import { type BarLine, mergeBarLines } from './bar-line.ts';
import type { Fields } from './fields.ts';
import { BarAccidentals } from './pitch.ts';
import { type Ratio, scaled } from './ticks.ts';
import type { TuneBar, TuneNote } from './tune.ts';

type Growing = { -readonly [Key in keyof Omit<TuneNote, 'start'>]: TuneNote[Key] } & { at: number };

/** Collects the notes of one bar after the other. */
export class BarBuilder {
  readonly bars: TuneBar[] = [];
  readonly accidentals = new BarAccidentals();
  readonly #fields: Fields;
  #opening: BarLine;
  #notes: Growing[] = [];
  #from = 0;
  #to = 0;
  #touched = false;

  constructor(fields: Fields, opening: BarLine) {
    this.#fields = fields;
    this.#opening = opening;
  }

  /** The number of the bar that is being read. */
  get number(): number {
    return this.bars.length + 1;
  }

  get last(): Growing | null {
    return this.#notes.at(-1) ?? null;
  }

  /** A symbol of the bar lies here. */
  cover(from: number, to: number): void {
    if (!this.#touched) this.#from = from;
    this.#touched = true;
    this.#to = to;
  }

  add(note: Growing): void {
    this.#notes.push(note);
  }

  /** Changes the length of the last note. @returns false if it would be no whole number of ticks */
  scaleLast(ratio: Ratio): boolean {
    const note = this.last;
    const ticks = note && scaled(note.ticks, ratio);
    if (!note || ticks === null) return false;
    note.ticks = ticks;
    return true;
  }

  /** Ends the bar. Lines without notes in between are one line. */
  close(line: BarLine): void {
    if (this.#notes.length === 0) {
      this.#opening = mergeBarLines(this.#opening, line);
    } else {
      this.bars.push(this.#bar(line));
      this.#opening = line;
      this.#notes = [];
    }
    this.#touched = false;
    this.accidentals.clear();
  }

  #bar(closing: BarLine): TuneBar {
    let ticks = 0;
    const notes = this.#notes.map(({ at: _, ...note }) => {
      const start = ticks;
      ticks += note.ticks;
      return { ...note, start };
    });
    const places = this.#notes.map(({ at }) => at);
    const { metre, key } = this.#fields;
    const [number, opening] = [this.number, this.#opening];
    return { number, from: this.#from, to: this.#to, opening, closing, notes, places, ticks, metre, key };
  }
}
