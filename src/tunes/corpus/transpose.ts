import { type Key, modalKey } from '../abc/key.ts';
import { type AbcToken } from '../abc/lexer.ts';
import { parseNote, type WrittenPitch } from '../abc/pitch.ts';
import type { NormalTune } from './normalise.ts';

const LETTERS = 'CDEFGAB';
const ACCIDENTALS: Readonly<Record<number, string>> = { '-2': '__', '-1': '_', 0: '=', 1: '^', 2: '^^' };

/** From the fiddle's lowest note to the highest that corpora of tunes use: G3 and D6, counted in letters. */
const LOWEST = stepOf({ letter: 'G', octave: 3 });
const HIGHEST = stepOf({ letter: 'D', octave: 6 });

/** Letters above C0. */
function stepOf({ letter, octave }: Pick<WrittenPitch, 'letter' | 'octave'>): number {
  return 7 * octave + LETTERS.indexOf(letter);
}

/**
 * The tune in another key of the same mode, one for each octave in which all of its notes are in range. Only letters
 * and accidentals change, so a bar that was exact stays exact.
 */
export function transpositions(tune: NormalTune, tonic: string): NormalTune[] {
  const key = modalKey(tonic, tune.key.mode);
  if (!key || tune.key.tonic === null) return [];
  const distance = LETTERS.indexOf(tonic.slice(0, 1)) - LETTERS.indexOf(tune.key.tonic.slice(0, 1));
  const shifts = [distance - 7, distance, distance + 7].filter((shift) => shift !== 0 || tonic !== tune.key.tonic);
  return shifts.flatMap((shift) => shifted(tune, key, shift) ?? []);
}

function shifted(tune: NormalTune, key: Key, shift: number): NormalTune | null {
  const body: AbcToken[] = [];
  for (const token of tune.body) {
    const text = token.kind === 'note' ? shiftedNote(token.text, tune.key, key, shift) : token.text;
    if (text === null) return null;
    body.push({ ...token, text });
  }
  return { ...tune, key, body };
}

/** An accidental keeps its distance from the key. @returns null for what cannot be written or is out of range */
function shiftedNote(text: string, from: Key, to: Key, shift: number): string | null {
  const note = parseNote(text);
  if (!note) return null;
  const { pitch, length } = note;
  const step = stepOf(pitch) + shift;
  if (step < LOWEST || step > HIGHEST) return null;
  const [letter, octave] = [LETTERS.charAt(step % 7), Math.floor(step / 7)];
  if (pitch.accidental === null) return nameOf(letter, octave) + length;
  const alteration = pitch.accidental - (from.alterations[pitch.letter] ?? 0) + (to.alterations[letter] ?? 0);
  const accidental = ACCIDENTALS[alteration];
  return accidental === undefined ? null : accidental + nameOf(letter, octave) + length;
}

function nameOf(letter: string, octave: number): string {
  return octave >= 5 ? letter.toLowerCase() + "'".repeat(octave - 5) : letter + ','.repeat(4 - octave);
}
