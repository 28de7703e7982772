import type { EncodedText, TextVectors } from '../ml/engine.ts';
import type { TextMood } from './contract.ts';
import type { TextHead } from './heads/head-file.ts';
import { labelScores } from './heads/score-text.ts';

/**
 * Ratings of the emotions' names: Russell and Mehrabian, "Evidence for a three-factor theory of emotions", Journal of
 * Research in Personality 11 (1977).
 */
const RATED: Readonly<Record<string, TextMood>> = {
  anger: { valence: -0.51, arousal: 0.59 },
  disgust: { valence: -0.6, arousal: 0.35 },
  fear: { valence: -0.64, arousal: 0.6 },
  joy: { valence: 0.76, arousal: 0.48 },
  neutral: { valence: 0, arousal: 0 },
  sadness: { valence: -0.63, arousal: -0.27 },
  surprise: { valence: 0.4, arousal: 0.67 },
};

/** Words at the ends of both axes of the circumplex: Russell, "A circumplex model of affect" (1980), Figure 2. */
const POLES = {
  pleasant: ['happy', 'delighted', 'glad', 'pleased', 'content'],
  unpleasant: ['sad', 'miserable', 'depressed', 'gloomy', 'frustrated'],
  excited: ['excited', 'aroused', 'astonished', 'alarmed', 'tense'],
  calm: ['calm', 'at ease', 'relaxed', 'sleepy', 'tired'],
} as const;
/** A difference of products with the poles of this size is most of what occurs. */
const FULL = 0.15;

/** A direction in the space of embeddings along which texts become more pleasant, or more excited. */
export interface MoodAxes {
  valence: Float64Array;
  arousal: Float64Array;
}

export async function moodAxes(vectors: TextVectors, signal: AbortSignal): Promise<MoodAxes> {
  const middle = async (words: readonly string[]) => {
    const encoded = await vectors.encode(words, { signal });
    const sum = new Float64Array(encoded[0]?.embedding.length ?? 0);
    for (const { embedding } of encoded)
      embedding.forEach((value, i) => (sum[i] = (sum[i] ?? 0) + value / words.length));
    return sum;
  };
  const [pleasant, unpleasant] = [await middle(POLES.pleasant), await middle(POLES.unpleasant)];
  const [excited, calm] = [await middle(POLES.excited), await middle(POLES.calm)];
  const between = (to: Float64Array, from: Float64Array) => to.map((value, i) => value - (from[i] ?? 0));
  return { valence: between(pleasant, unpleasant), arousal: between(excited, calm) };
}

/**
 * Half of it is what the text feels: the ratings of its emotions, weighted with their probabilities. Half is what it is
 * about: where it lies between the poles of each axis.
 */
export function moodFrom(emotions: TextHead, axes: MoodAxes, encoded: EncodedText): TextMood {
  const scores = labelScores(emotions, encoded.states);
  const whole = scores.reduce((sum, { probability }) => sum + probability, 0);
  const felt = (axis: keyof TextMood) =>
    scores.reduce((sum, { label, probability }) => sum + ((RATED[label]?.[axis] ?? 0) * probability) / whole, 0);
  const about = (axis: keyof TextMood) => Math.tanh(product(axes[axis], encoded.embedding) / FULL);
  const at = (axis: keyof TextMood) => (felt(axis) + about(axis)) / 2;
  return { valence: at('valence'), arousal: at('arousal') };
}

const product = (axis: Float64Array, embedding: Float32Array): number =>
  axis.reduce((sum, value, i) => sum + value * (embedding[i] ?? 0), 0);
