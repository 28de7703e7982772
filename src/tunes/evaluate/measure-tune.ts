import { exactBars } from '../abc/check-bars.ts';
import type { Key, Mode } from '../abc/key.ts';
import { parseMetre } from '../abc/metre.ts';
import { parseTune } from '../abc/parse-tune.ts';
import { midiOf } from '../abc/pitch.ts';
import { melodyOf } from '../corpus/normalise.ts';

/** What is measured of one tune. */
export interface TuneMeasures {
  bars: number;
  /** Bars that are as long as the metre says. */
  exactBars: number;
  /** Bars whose text no earlier bar has. */
  distinctBars: number;
  endsOnTonic: boolean;
  /** MIDI numbers of the highest notes. */
  melody: readonly number[];
  /** Semitones above the tonic, from 0 to 11, of the same notes. */
  degrees: readonly number[];
  problems: number;
}

export function measureTune(abc: string): TuneMeasures {
  const tune = parseTune(abc);
  const melody = melodyOf(tune);
  const tonic = tonicOf(tune.key);
  const texts = tune.bars.map(({ from, to }) => abc.slice(from, to).replace(/\s/g, ''));
  return {
    bars: tune.bars.length,
    exactBars: exactBars(tune.bars).filter(Boolean).length,
    distinctBars: new Set(texts).size,
    endsOnTonic: (melody.at(-1) ?? -1) % 12 === tonic,
    melody,
    degrees: melody.map((pitch) => (pitch + 12 - tonic) % 12),
    problems: tune.problems.filter(({ severity }) => severity === 'ERROR').length,
  };
}

/** What a tune was asked to be. */
export interface AskedTune {
  key: string | null;
  mode: Mode | null;
  metre: string | null;
}

/** Whether fields and notes are what was asked for: key and mode, metre. */
export function obeysHeader(abc: string, asked: AskedTune): boolean {
  const { key, metre } = parseTune(abc);
  const isAsked =
    key.tonic === asked.key && key.mode === asked.mode && metre?.bar === parseMetre(asked.metre ?? '')?.bar;
  return isAsked && isInKey(abc, key);
}

/** Most notes of a tune in a key are notes of its scale; in a wrong key half of them would not be. */
const LEAST_IN_KEY = 0.8;

function isInKey(abc: string, key: Key): boolean {
  const scale = new Set(Array.from('CDEFGAB', (letter) => midiOf(letter, 4, key.alterations[letter] ?? 0) % 12));
  const melody = melodyOf(parseTune(abc));
  return melody.filter((pitch) => scale.has(pitch % 12)).length >= LEAST_IN_KEY * melody.length;
}

/** The pitch class of a key's tonic. */
function tonicOf({ tonic }: Key): number {
  const [, letter = 'C', accidental = ''] = /^(.)(.?)$/.exec(tonic ?? 'C') ?? [];
  return midiOf(letter, 4, accidental === '#' ? 1 : accidental === 'b' ? -1 : 0) % 12;
}
