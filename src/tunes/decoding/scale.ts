import { modalKey, type Mode } from '../abc/key.ts';
import { midiOf, type WrittenPitch } from '../abc/pitch.ts';
import { scaled } from '../abc/ticks.ts';
import type { TunePlan } from '../form/plan.ts';
import { ANY_COUNT, FillTable, type NoteCounts } from './fill-table.ts';
import type { NoteSymbol, Symbols } from './symbols.ts';

export interface PlayableNote extends NoteSymbol {
  /** Its length as written, in ticks. */
  readonly ticks: number;
  /** A note of the tonic. */
  readonly closing: boolean;
}

/** Scale degrees, from 1, that an accidental may raise or lower: the ones that players of such tunes alter. */
const ALTERED: Readonly<Record<Mode, readonly (readonly [degree: number, semitones: number])[]>> = {
  MAJOR: [[4, 1], [7, -1]],
  LYDIAN: [[4, -1]],
  MIXOLYDIAN: [[7, 1], [4, 1]],
  MINOR: [[6, 1], [7, 1]],
  DORIAN: [[7, 1], [6, -1]],
  PHRYGIAN: [[2, 1]],
  LOCRIAN: [],
}; // prettier-ignore
const LETTERS = 'CDEFGAB';

/** The notes of a model that a plan allows, by key and range, and how they fill bars. */
export interface Scale {
  readonly notes: readonly PlayableNote[];
  readonly noteOf: ReadonlyMap<number, PlayableNote>;
  /** Lengths as written, in ticks. */
  readonly lengths: readonly number[];
  /** The numbers of notes that fill this many ticks, the last one on the tonic if the bar closes. */
  counts(ticks: number, closes: boolean): NoteCounts;
}

export function scaleOf(plan: TunePlan, { notes: symbols }: Symbols): Scale {
  const notes = symbols.flatMap((symbol) => playable(symbol, plan));
  const longest = Math.max(...plan.bars.map(({ ticks }) => ticks));
  const lengthsOf = (some: readonly PlayableNote[]) => [
    ...new Set(some.flatMap(({ pitch, ticks }) => (pitch && ticks <= longest ? [ticks] : []))),
  ];
  const lengths = lengthsOf(notes);
  const open = new FillTable(lengths, lengths, longest);
  const closed = new FillTable(lengths, lengthsOf(notes.filter(({ closing }) => closing)), longest);
  return {
    notes,
    noteOf: new Map(notes.map((note) => [note.token, note])),
    lengths,
    counts: (ticks, closes) => (closes ? closed : open).counts(ticks) & ANY_COUNT,
  };
}

function playable(symbol: NoteSymbol, plan: TunePlan): PlayableNote[] {
  const { pitch, length } = symbol;
  const ticks = scaled(plan.unit, length);
  if (ticks === null || ticks === 0) return [];
  if (pitch === null) return [{ ...symbol, ticks, closing: false }];
  if (pitch.accidental !== null && !isAltered(pitch, plan)) return [];
  if (!isInRange(pitch, plan)) return [];
  return [{ ...symbol, ticks, closing: pitch.accidental === null && pitch.letter === plan.tonic.slice(0, 1) }];
}

const alterationOf = ({ tonic, mode }: TunePlan, letter: string): number =>
  modalKey(tonic, mode)?.alterations[letter] ?? 0;

/** An accidental holds for its letter to the end of the bar, so it must leave the letter's every octave in the range. */
function isAltered({ letter, accidental }: WrittenPitch, plan: TunePlan): boolean {
  const degree = ((LETTERS.indexOf(letter) - LETTERS.indexOf(plan.tonic.slice(0, 1)) + 7) % 7) + 1;
  const key = alterationOf(plan, letter);
  const allowed = ALTERED[plan.mode].some(([altered, by]) => altered === degree && key + by === accidental);
  const octaves = [2, 3, 4, 5, 6, 7].map((octave) => midiOf(letter, octave, key));
  const inside = octaves.filter((midi) => midi >= plan.low && midi <= plan.high);
  return allowed && inside.every((midi) => isWithin(midi - key + (accidental ?? 0), plan));
}

const isInRange = ({ letter, octave, accidental }: WrittenPitch, plan: TunePlan): boolean =>
  isWithin(midiOf(letter, octave, accidental ?? alterationOf(plan, letter)), plan);

const isWithin = (midi: number, { low, high }: TunePlan): boolean => midi >= low && midi <= high;
