import { countCodePoints } from '../../lib/text/code-points.ts';
import type { EncodedText } from '../../ml/engine.ts';
import { logitsOf } from '../../ml/train.ts';
import type { Classification, ExplainedClassification, LabelScore, WordContribution } from '../contract.ts';
import type { TextHead } from './head-file.ts';

/** @param encoded with the words' parts if they are to be explained */
export function classifyEncoded(head: Omit<TextHead, 'dev'>, { states }: EncodedText): Classification {
  return { labels: ranked(labelScores(head, states)).map(({ score }) => score) };
}

/**
 * The same with each word's part. Vectors are averages over words' tokens and a score is a product with one, so it is
 * the sum of the products with the words' shares.
 */
export function explainEncoded(
  head: Omit<TextHead, 'dev'>,
  text: string,
  encoded: EncodedText,
): ExplainedClassification {
  const order = ranked(labelScores(head, encoded.states));
  const words = order.map(({ index }) => contributionsOf(head, index, text, encoded));
  return { labels: order.map(({ score }) => score), words };
}

export function labelScores(head: Omit<TextHead, 'dev'>, states: ArrayLike<number>): LabelScore[] {
  const logits = logitsOf(head, states);
  return head.labels.map((label, i) => {
    const score = logits[i] ?? 0;
    const probability = 1 / (1 + Math.exp(-score));
    const chosen = probability >= (head.thresholds[i] ?? 0.5);
    return { label, score, probability, bias: head.bias[i] ?? 0, chosen };
  });
}

const ranked = (scores: readonly LabelScore[]) =>
  scores.map((score, index) => ({ score, index })).sort((a, b) => b.score.probability - a.score.probability);

function contributionsOf(
  head: Omit<TextHead, 'dev'>,
  label: number,
  text: string,
  { words }: EncodedText,
): WordContribution[] {
  const weight = head.weight.subarray(label * head.width, (label + 1) * head.width);
  let [unit, point] = [0, 0];
  const pointAt = (at: number) => {
    point += countCodePoints(text.slice(unit, at));
    unit = at;
    return point;
  };
  return (words ?? []).map(({ from, to, share }) => {
    let contribution = 0;
    for (let i = 0; i < weight.length; i++) contribution += (weight[i] ?? 0) * (share[i] ?? 0);
    return { text: text.slice(from, to), contribution, from: pointAt(from), to: pointAt(to) };
  });
}
