import type { Mode } from '../abc/key.ts';

/** Both from −1 to 1: how pleasant, and how excited (Russell 1980). */
export interface Mood {
  valence: number;
  arousal: number;
}

/** What a mood becomes where nothing else is asked for. */
export interface MoodSettings {
  mode: Mode;
  /** Times the usual tempo of the kind of tune. */
  tempo: number;
  density: number;
  /** Lowest and highest MIDI number. */
  low: number;
  high: number;
}

/**
 * The published table, by valence and arousal in thirds from low to high. Mode and tempo carry most of the mood that
 * listeners hear in melodies (Gabrielsson and Lindström 2010); pitch rises with both.
 */
const TABLE: readonly (readonly MoodSettings[])[] = [
  [
    { mode: 'MINOR', tempo: 0.7, density: 0.7, low: 55, high: 76 },
    { mode: 'MINOR', tempo: 0.9, density: 0.9, low: 57, high: 79 },
    { mode: 'MINOR', tempo: 1.15, density: 1.2, low: 57, high: 83 },
  ],
  [
    { mode: 'DORIAN', tempo: 0.75, density: 0.75, low: 57, high: 78 },
    { mode: 'DORIAN', tempo: 1, density: 1, low: 57, high: 83 },
    { mode: 'MIXOLYDIAN', tempo: 1.15, density: 1.2, low: 59, high: 84 },
  ],
  [
    { mode: 'MAJOR', tempo: 0.75, density: 0.75, low: 59, high: 79 },
    { mode: 'MAJOR', tempo: 1, density: 1, low: 59, high: 83 },
    { mode: 'MAJOR', tempo: 1.2, density: 1.25, low: 60, high: 86 },
  ],
];

export const MOOD_WORDS: Readonly<Record<string, Mood>> = {
  angry: { valence: -0.7, arousal: 0.8 },
  anxious: { valence: -0.6, arousal: 0.6 },
  bright: { valence: 0.7, arousal: 0.4 },
  calm: { valence: 0.4, arousal: -0.7 },
  cheerful: { valence: 0.8, arousal: 0.4 },
  dark: { valence: -0.6, arousal: -0.1 },
  dreamy: { valence: 0.2, arousal: -0.6 },
  energetic: { valence: 0.5, arousal: 0.9 },
  gentle: { valence: 0.5, arousal: -0.6 },
  gloomy: { valence: -0.7, arousal: -0.5 },
  happy: { valence: 0.9, arousal: 0.4 },
  joyful: { valence: 0.9, arousal: 0.6 },
  lively: { valence: 0.6, arousal: 0.7 },
  melancholy: { valence: -0.5, arousal: -0.5 },
  mysterious: { valence: -0.2, arousal: -0.2 },
  peaceful: { valence: 0.6, arousal: -0.8 },
  playful: { valence: 0.7, arousal: 0.6 },
  sad: { valence: -0.8, arousal: -0.5 },
  serious: { valence: -0.2, arousal: 0 },
  tender: { valence: 0.4, arousal: -0.5 },
  tense: { valence: -0.5, arousal: 0.7 },
  wild: { valence: 0.1, arousal: 0.9 },
  wistful: { valence: -0.2, arousal: -0.5 },
};

/** The words whose moods are nearest, the nearest first. */
export function nearestMoodWords({ valence, arousal }: Mood, count: number): string[] {
  const distance = (mood: Mood) => Math.hypot(mood.valence - valence, mood.arousal - arousal);
  const order = Object.entries(MOOD_WORDS).sort(([, a], [, b]) => distance(a) - distance(b));
  return order.slice(0, count).map(([word]) => word);
}

const THIRD = 1 / 3;
const bandOf = (value: number): number => (value < -THIRD ? 0 : value <= THIRD ? 1 : 2);

export function moodSettings({ valence, arousal }: Mood): MoodSettings {
  const found = TABLE[bandOf(valence)]?.[bandOf(arousal)];
  if (!found) throw new Error(`the mood table has no row for ${valence} and ${arousal}`);
  return found;
}
