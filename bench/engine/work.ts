import { quantile } from '../support/statistics.ts';

/** What a side is asked to write. */
export interface Work {
  prompts: readonly Prompt[];
  /** Tokens of each draft. */
  tokens: number;
}

/** One prompt in the forms that the sides take it. All are the same tokens. */
export interface Prompt {
  /** Of `startDraft`, for a STORY; null where the system message is another. */
  text: string | null;
  messages: readonly { role: 'system' | 'user' | 'assistant'; content: string }[];
  ids: readonly number[];
}

/** Some tokens of a draft reached whoever reads it. */
export interface Arrival {
  /** Milliseconds since the work was handed over. */
  at: number;
  tokens: number;
}

/** When each draft's tokens arrived. */
export type Written = readonly (readonly Arrival[])[];

export interface Speed {
  /** Of all drafts, from the moment the work was handed over to the last token. */
  tokensPerSecond: number;
  /** Until every draft had its first token. */
  firstTokensMs: number;
  /** One more token of every draft, once all had their first. */
  stepMs: number;
}

export function speedOf(written: Written): Speed {
  const firstTokensMs = Math.max(...written.map((arrivals) => arrivals[0]?.at ?? NaN));
  const end = Math.max(...written.map(endOf));
  const last = written.find((arrivals) => endOf(arrivals) === end) ?? [];
  const steps = countOf(last.filter(({ at }) => at > firstTokensMs));
  return {
    tokensPerSecond: (1000 * countOf(written.flat())) / end,
    firstTokensMs,
    stepMs: steps > 0 ? (end - firstTokensMs) / steps : NaN,
  };
}

/** How evenly texts appear: the waits between a draft's arrivals, and how many tokens come at once. */
export interface Evenness {
  medianMs: number;
  p99Ms: number;
  tokensPerArrival: number;
}

export function evennessOf(written: Written): Evenness {
  const waits = written.flatMap((arrivals) => arrivals.slice(1).map(({ at }, i) => at - (arrivals[i]?.at ?? NaN)));
  const arrivals = written.flat();
  return {
    medianMs: quantile(waits, 0.5),
    p99Ms: quantile(waits, 0.99),
    tokensPerArrival: countOf(arrivals) / arrivals.length,
  };
}

const endOf = (arrivals: readonly Arrival[]): number => arrivals.at(-1)?.at ?? NaN;

const countOf = (arrivals: readonly Arrival[]): number => arrivals.reduce((sum, { tokens }) => sum + tokens, 0);
