import type { FindingKind, Sentences, Suggestion, TextSpan } from '../contract.ts';
import type { Reading } from '../reading/reading.ts';

/** A finding before suggestions are reconciled. */
export interface Candidate extends TextSpan {
  kind: FindingKind;
  value: number;
  reason: Sentences;
  suggestion: Suggestion | null;
  /** Measures `value` in the finding's sentence after a suggestion was applied. Null without a suggestion. */
  again: ((sentence: Reading) => number) | null;
}

export type Detector = (reading: Reading) => Candidate[];

/** A finding that nothing can be suggested for. */
export const fact = (kind: FindingKind, { start, end }: TextSpan, value: number, reason: Sentences): Candidate => ({
  ...{ kind, start, end, value, reason },
  suggestion: null,
  again: null,
});

/** The replacement of a range, with a capital if it begins with one. */
export function replacing(text: string, { start, end }: TextSpan, by: string): Suggestion {
  const first = text.charAt(start);
  const isCapital = first !== first.toLowerCase() && by !== '';
  return { start, end, text: isCapital ? by.charAt(0).toUpperCase() + by.slice(1) : by };
}

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits));
