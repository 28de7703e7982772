import type { Key } from './key.ts';

/** A note as it is written: letter, octave and accidental. */
export interface WrittenPitch {
  /** `C` to `B`. */
  readonly letter: string;
  /** 4 is the octave of middle C. */
  readonly octave: number;
  /** Semitones up; null if the key, or an earlier note of the bar, decides. */
  readonly accidental: number | null;
}

const SEMITONES: Readonly<Record<string, number>> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const ACCIDENTALS: Readonly<Record<string, number>> = { '': 0, '^': 1, '^^': 2, _: -1, __: -2, '=': 0 };
const NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'G#', 'A', 'Bb', 'B'];
const NOTE = /^([\^_=]*)([A-Ga-g])([,']*)(.*)$/;

/** A note's parts. Null if the text is no note. */
export function parseNote(text: string): { pitch: WrittenPitch; length: string } | null {
  const [, accidental = '', name = '', marks = '', length = ''] = NOTE.exec(text) ?? [];
  if (name === '') return null;
  const raised = Array.from(marks).reduce((octaves, mark) => octaves + (mark === "'" ? 1 : -1), 0);
  const octave = (name === name.toLowerCase() ? 5 : 4) + raised;
  const semitones = accidental === '' ? null : (ACCIDENTALS[accidental] ?? 0);
  return { pitch: { letter: name.toUpperCase(), octave, accidental: semitones }, length };
}

const semitoneOf = (letter: string): number => SEMITONES[letter] ?? 0;

/** The MIDI number of a letter in an octave: middle C is 60. */
export const midiOf = (letter: string, octave: number, alteration: number): number =>
  12 * (octave + 1) + semitoneOf(letter) + alteration;

/** The name of a MIDI number, for example `F#4`. */
export const pitchName = (midi: number): string => `${NAMES[midi % 12] ?? ''}${Math.floor(midi / 12) - 1}`;

/** The MIDI number that a name such as `F#4` stands for. Null if it is none. */
export function parsePitchName(name: string): number | null {
  const [, letter, accidental = '', octave] = /^([A-Ga-g])([#b]?)(-?\d)$/.exec(name.trim()) ?? [];
  if (letter === undefined || octave === undefined) return null;
  const alteration = accidental === '#' ? 1 : accidental === 'b' ? -1 : 0;
  return midiOf(letter.toUpperCase(), Number(octave), alteration);
}

/**
 * What accidentals mean in one bar: a written one holds to its end, for its letter in every octave, as ABC 2.1 has it.
 */
export class BarAccidentals {
  readonly #written = new Map<string, number>();

  clear(): void {
    this.#written.clear();
  }

  /** The MIDI number of the next note. */
  take({ letter, octave, accidental }: WrittenPitch, key: Key): number {
    if (accidental !== null) this.#written.set(letter, accidental);
    return midiOf(letter, octave, accidental ?? this.#written.get(letter) ?? key.alterations[letter] ?? 0);
  }
}
