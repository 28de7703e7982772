import { InvalidInputError } from '../../lib/errors.ts';
import { type Key, keyText, modalKey, type Mode } from '../abc/key.ts';
import { type Metre, parseMetre } from '../abc/metre.ts';
import { parsePitchName, pitchName } from '../abc/pitch.ts';
import { fractionOf, WHOLE_NOTE } from '../abc/ticks.ts';
import { sameMetre, TUNE_KINDS, type TuneKind, USUAL_KINDS, USUAL_MODES, USUAL_TONICS, usualDensity } from './kinds.ts';
import { type Mood, MOOD_WORDS, type MoodSettings, moodSettings } from './mood.ts';
import { choose } from './patterns.ts';
import { writtenBars } from './sections.ts';

/** What somebody asks of a tune. Each is obeyed or refused. */
export interface TuneInput {
  key?: string | null;
  mode?: Mode | null;
  metre?: string | null;
  form?: string | null;
  bars?: number | null;
  type?: TuneKind | null;
  tempo?: number | null;
  density?: number | null;
  range?: { lowest?: string | null; highest?: string | null } | null;
  mood?: { valence?: number | null; arousal?: number | null; words?: string | null } | null;
  startWith?: string | null;
}

/** Everything that a plan depends on. */
export interface TuneSettings {
  key: Key & { tonic: string };
  metre: Metre;
  /** The unit note length, in ticks. */
  unit: number;
  kind: TuneKind | null;
  form: string;
  bars: number;
  /** Quarter notes per minute. */
  tempo: number;
  /** Relative to what is usual. Null leaves it to the model. */
  density: number | null;
  low: number;
  high: number;
}

const FIELD = 'input.tune';
const MOST_WRITTEN_BARS = 64;
const USUAL = { form: 'AABB', bars: 8, tempo: 120, compoundTempo: 150 };
export const USUAL_RANGE = { low: 57, high: 83 };
/** A range smaller than this leaves too few notes for a melody. */
const SMALLEST_RANGE = 11;
const [SLOWEST, FASTEST] = [40, 240];
const [LOWEST, HIGHEST] = ['C2', 'C7'];

const refuse = (field: string, message: string): never => {
  throw new InvalidInputError(`${FIELD}.${field} ${message}`, `${FIELD}.${field}`);
};

/**
 * Completes what is asked for with what is usual.
 * @param draw random numbers in [0, 1)
 * @throws InvalidInputError that says what would be right
 */
export function resolveSettings(input: TuneInput, draw: () => number): TuneSettings {
  const mood = input.mood ? moodSettings(readMood(input.mood)) : null;
  const { kind, metre } = readMetre(input, draw);
  const key = readKey(input, mood, draw);
  const form = readForm(input);
  const [low, high] = readRange(input, mood, key.tonic);
  const unit = sameMetre(metre.text) === '2/4' ? WHOLE_NOTE / 16 : WHOLE_NOTE / 8;
  const tempo = input.tempo ?? Math.round(usualTempo(kind, metre) * (mood?.tempo ?? 1));
  if (!(tempo >= SLOWEST && tempo <= FASTEST)) refuse('tempo', `must be ${SLOWEST} to ${FASTEST}, not ${tempo}`);
  const density = input.density ?? mood?.density ?? null;
  if (density !== null && !(density >= 0.5 && density <= 2)) refuse('density', `must be 0.5 to 2, not ${density}`);
  return { key, metre, unit, kind, ...form, tempo, density, low, high };
}

/** The average of notes in the time of a whole note that a density asks for. */
export const notesPerWhole = ({ density, metre }: Pick<TuneSettings, 'density' | 'metre'>): number | null =>
  density === null ? null : density * usualDensity(metre.text);

function readMood({ valence, arousal, words }: NonNullable<TuneInput['mood']>): Mood {
  const named = words == null ? null : moodOfWords(words);
  const mood = { valence: valence ?? named?.valence ?? 0, arousal: arousal ?? named?.arousal ?? 0 };
  for (const part of ['valence', 'arousal'] as const)
    if (!(Math.abs(mood[part]) <= 1)) refuse(`mood.${part}`, `must be -1 to 1, not ${mood[part]}`);
  return mood;
}

/** The average of the words that name a mood. */
function moodOfWords(words: string): Mood {
  const known = words
    .toLowerCase()
    .split(/[^a-z]+/)
    .flatMap((word) => MOOD_WORDS[word] ?? []);
  if (known.length === 0 || words.length > 200)
    refuse('mood.words', `must have one of these words: ${Object.keys(MOOD_WORDS).join(', ')}`);
  const mean = (part: keyof Mood) => known.reduce((sum, mood) => sum + mood[part], 0) / known.length;
  return { valence: mean('valence'), arousal: mean('arousal') };
}

function readMetre({ metre: text, type }: TuneInput, draw: () => number): { kind: TuneKind | null; metre: Metre } {
  const kind = type ?? (text == null ? choose(USUAL_KINDS, draw()) : null);
  const usual = kind === null ? [] : TUNE_KINDS[kind].metres.map(String);
  const metre = parseMetre(text ?? usual[0] ?? '');
  if (!metre) return refuse('metre', `must be a metre such as 6/8, 3/4, 9/8 or C|, not "${text ?? ''}"`);
  if (metre.bar < WHOLE_NOTE / 4 || metre.bar > (3 * WHOLE_NOTE) / 2)
    refuse('metre', `must have bars of 1/4 to 3/2 of a whole note, not ${fractionOf(metre.bar)}`);
  if (kind !== null && !usual.includes(metre.text))
    refuse('metre', `of a ${TUNE_KINDS[kind].name} is ${usual.join(' or ')}, not ${metre.text}`);
  return { kind, metre };
}

function readKey({ key, mode }: TuneInput, mood: MoodSettings | null, draw: () => number): TuneSettings['key'] {
  const chosen = mode ?? mood?.mode ?? choose(USUAL_MODES, draw());
  const usual = chosen in USUAL_TONICS ? USUAL_TONICS[chosen as keyof typeof USUAL_TONICS] : USUAL_TONICS.MAJOR;
  const tonic = key?.trim() ?? choose<string>(usual, draw());
  if (!/^[A-G][#b]?$/.test(tonic)) return refuse('key', `must be a tonic such as D, Bb or F#, not "${tonic}"`);
  const found = modalKey(tonic, chosen);
  if (!found) return refuse('key', `${keyText({ tonic, mode: chosen })} has more than seven sharps or flats`);
  return { ...found, tonic };
}

function readForm({ form, bars }: TuneInput): { form: string; bars: number } {
  const letters = form?.trim() ?? USUAL.form;
  const count = bars ?? USUAL.bars;
  if (!/^[A-H]{1,8}$/.test(letters) || !isInOrder(letters))
    refuse('form', `must be one to eight letters for sections, each new one the next: AABB or ABAC, not "${letters}"`);
  if (!(Number.isInteger(count) && count >= 4 && count <= 32)) refuse('bars', `must be 4 to 32, not ${count}`);
  const written = writtenBars(letters, count);
  const most = Math.floor(MOST_WRITTEN_BARS / writtenBars(letters, 1));
  if (written > MOST_WRITTEN_BARS)
    refuse(
      'bars',
      `of ${count} make ${written} bars in the form ${letters}; at most ${most} fit into ${MOST_WRITTEN_BARS}`,
    );
  return { form: letters, bars: count };
}

/** Each letter that is new is the next of the alphabet. */
function isInOrder(letters: string): boolean {
  const firsts = [...new Set(letters)].join('');
  return 'ABCDEFGH'.startsWith(firsts);
}

function readRange({ range }: TuneInput, mood: MoodSettings | null, tonic: string): [low: number, high: number] {
  if (!range) return [mood?.low ?? USUAL_RANGE.low, mood?.high ?? USUAL_RANGE.high];
  const [low, high] = [
    range.lowest == null ? USUAL_RANGE.low : readPitch('lowest', range.lowest),
    range.highest == null ? USUAL_RANGE.high : readPitch('highest', range.highest),
  ];
  if (high - low < SMALLEST_RANGE)
    refuse(
      'range',
      `must span at least ${SMALLEST_RANGE} semitones, so that ${tonic} is in it; ${high - low} are given`,
    );
  return [low, high];
}

function readPitch(end: 'lowest' | 'highest', name: string): number {
  const midi = parsePitchName(name);
  const [least, most] = [parsePitchName(LOWEST) ?? 0, parsePitchName(HIGHEST) ?? 127];
  if (midi === null || midi < least || midi > most)
    return refuse(
      `range.${end}`,
      `must be a pitch from ${pitchName(least)} to ${pitchName(most)} such as F#4, not "${name}"`,
    );
  return midi;
}

const usualTempo = (kind: TuneKind | null, metre: Metre): number =>
  kind !== null ? TUNE_KINDS[kind].tempo : metre.compound ? USUAL.compoundTempo : USUAL.tempo;
