import { InvalidInputError } from '../../lib/errors.ts';
import { MOST_ABC, parseTune } from '../abc/parse-tune.ts';
import { pitchName } from '../abc/pitch.ts';
import { QUARTER_NOTE } from '../abc/ticks.ts';
import type { Tune } from '../abc/tune.ts';
import { strongPlaces } from './beats.ts';
import { readMelody, type SungNote } from './melody.ts';
import { type Phrase, phrasesOf } from './phrases.ts';

/** What a line of words needs to be sung to a phrase. */
export interface SungLine {
  syllables: number;
  /** The syllables, from 0, on strong beats. Null in a free metre. */
  strong: readonly number[] | null;
}

/** A tune to which words can be sung. */
export interface Song {
  /** The tune in ABC, without words that it had. */
  abc: string;
  sections: readonly (readonly SungLine[])[];
}

/** Semitones that a voice sings, notes that it holds one syllable over, and syllables that it sings in a second. */
const WIDEST = 24;
const LONGEST_HOLD = 24;
const FASTEST = 8;

/**
 * Reads a tune as what words are to be sung to: a syllable for each note, a line for each phrase.
 * @param field the argument's dotted path
 * @throws InvalidInputError for a tune that cannot be sung
 */
export function readSong(abc: string, field: string): Song {
  if (abc.length > MOST_ABC) refuse(field, `may have at most ${MOST_ABC} characters, not ${abc.length}`);
  const own = withoutWords(abc);
  const tune = parseTune(own);
  const error = tune.problems.find(({ severity }) => severity === 'ERROR');
  if (error) refuse(field, `cannot be read as a tune: line ${error.line}: ${error.message}`);
  const melody = readMelody(tune);
  checkSingable(melody, field);
  const sections = phrasesOf(tune, melody, own);
  if (tune.tempo !== null) for (const phrase of sections.flat()) checkPace(phrase, tune.tempo, tune, field);
  return { abc: own, sections: sections.map((phrases) => phrases.map(lineOf)) };
}

/** The notes of the phrases of a tune that `readSong` has accepted, in order. */
export function phrasesToSing(abc: string): Phrase[] {
  const tune = parseTune(abc);
  return phrasesOf(tune, readMelody(tune), abc).flat();
}

const withoutWords = (abc: string): string => abc.replace(/^[wW]:.*(\r?\n|$)/gm, '');

function lineOf(phrase: Phrase): SungLine {
  const strengths = phrase.flatMap(({ strength }) => strength ?? []);
  return { syllables: phrase.length, strong: strengths.length === phrase.length ? strongPlaces(strengths) : null };
}

function checkSingable(melody: readonly SungNote[], field: string): void {
  const pitches = melody.flatMap((note) => note.pitches);
  if (pitches.length === 0) refuse(field, 'has no notes to sing');
  const [low, high] = [Math.min(...pitches), Math.max(...pitches)];
  if (high - low > WIDEST)
    refuse(
      field,
      `goes from ${pitchName(low)} to ${pitchName(high)}: ${high - low} semitones; a voice sings ${WIDEST} at most`,
    );
  const held = melody.find(({ notes }) => notes.length > LONGEST_HOLD);
  if (held)
    refuse(
      field,
      `holds one syllable over ${held.notes.length} notes from bar ${held.bar + 1} on; ${LONGEST_HOLD} at most`,
    );
}

function checkPace(phrase: Phrase, tempo: number, { bars }: Tune, field: string): void {
  const ticks = phrase.reduce((sum, note) => sum + note.ticks + note.rest, 0);
  const pace = phrase.length / ((ticks / QUARTER_NOTE) * (60 / tempo));
  const number = bars[phrase[0]?.bar ?? 0]?.number;
  if (pace > FASTEST)
    refuse(
      field,
      `asks for ${pace.toFixed(1)} syllables in a second from bar ${number} on; a voice sings ${FASTEST} at most`,
    );
}

function refuse(field: string, message: string): never {
  throw new InvalidInputError(`${field} ${message}`, field);
}
