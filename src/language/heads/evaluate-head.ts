import { InvalidInputError } from '../../lib/errors.ts';
import type { EncodedText, TextVectors } from '../../ml/engine.ts';
import type { TextHead } from './head-file.ts';
import { type HeadFigures, type Judged, measureHead, pearson } from './head-metrics.ts';
import type { LabelledText } from './labelled-texts.ts';
import { explainEncoded, labelScores } from './score-text.ts';

interface Evaluating {
  vectors: TextVectors;
  signal: AbortSignal;
  report?: ((progress: { done: number; whole: number; what: string }) => void) | undefined;
}

export interface HeadEvaluation extends HeadFigures {
  /** Greatest difference between a score and the sum of its bias and its words' contributions. */
  additivityError: number;
  /** Rows without a label that the head knows. */
  leftOut: number;
}

const AT_ONCE = 64;

/** @throws InvalidInputError if no row has a label that the head knows; ModelUnavailableError; the signal's reason */
export async function evaluateHead(
  head: TextHead,
  rows: readonly LabelledText[],
  evaluating: Evaluating,
): Promise<HeadEvaluation> {
  const { judged, additivityError } = await judge(head, rows, evaluating);
  if (judged.length === 0)
    throw new InvalidInputError(`no row has one of the labels ${head.labels.join(', ')}, or its number`, 'data');
  const figures = measureHead(judged, head.labels.length);
  return { ...figures, additivityError, leftOut: rows.length - judged.length };
}

export async function judge(
  head: Omit<TextHead, 'dev'>,
  rows: readonly LabelledText[],
  { vectors, signal, report }: Evaluating,
): Promise<{ judged: Judged[]; additivityError: number }> {
  const judged: Judged[] = [];
  let additivityError = 0;
  const known = rows
    .map(({ text, labels }) => ({ text, right: placesOf(labels, head) }))
    .filter(({ right }) => right.size > 0);
  for (let from = 0; from < known.length; from += AT_ONCE) {
    const some = known.slice(from, from + AT_ONCE);
    const encoded = await vectors.encode(
      some.map(({ text }) => text),
      { signal, words: true },
    );
    for (const [i, { text, right }] of some.entries()) {
      const one = encoded[i];
      if (!one) continue;
      judged.push(judgedOf(head, one, right));
      additivityError = Math.max(additivityError, errorOf(head, text, one));
    }
    report?.({ done: from + some.length, whole: known.length, what: 'texts judged' });
  }
  return { judged, additivityError };
}

/** Labels by name, in any case, or by their number from 0. Those that the head does not know are left out. */
function placesOf(labels: readonly string[], head: Pick<TextHead, 'labels'>): Set<number> {
  const names = head.labels.map((name) => name.toLowerCase());
  const places = labels.map((label) => {
    const place = names.indexOf(label.toLowerCase());
    return place < 0 && /^\d{1,4}$/.test(label) ? Number(label) : place;
  });
  return new Set(places.filter((place) => place >= 0 && place < names.length));
}

function judgedOf(head: Omit<TextHead, 'dev'>, { states }: EncodedText, right: ReadonlySet<number>): Judged {
  const scores = labelScores(head, states);
  const probabilities = scores.map(({ probability }) => probability);
  const chosen = scores.flatMap(({ chosen: isChosen }, label) => (isChosen ? [label] : []));
  const likeliest = probabilities.indexOf(Math.max(...probabilities));
  return { probabilities, right, said: new Set(chosen.length > 0 ? chosen : [likeliest]) };
}

function errorOf(head: Omit<TextHead, 'dev'>, text: string, encoded: EncodedText): number {
  const { labels, words } = explainEncoded(head, text, encoded);
  const errors = labels.map(({ score, bias }, i) => {
    const sum = (words[i] ?? []).reduce((total, { contribution }) => total + contribution, bias);
    return Math.abs(sum - score);
  });
  return Math.max(...errors);
}

/** How far scores of texts agree with ratings, whatever the ratings' scale. @throws InvalidInputError */
export async function correlate(
  rows: readonly { rating: number; text: string }[],
  score: (texts: readonly string[]) => Promise<readonly number[]>,
): Promise<number> {
  const scores: number[] = [];
  for (let from = 0; from < rows.length; from += AT_ONCE)
    scores.push(...(await score(rows.slice(from, from + AT_ONCE).map(({ text }) => text))));
  const found = pearson(
    rows.map(({ rating }) => rating),
    scores,
  );
  if (found === null) throw new InvalidInputError('all ratings are equal: nothing can agree with them', 'data');
  return found;
}
