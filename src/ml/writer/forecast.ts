import type { PaceState } from '../contract.ts';

/** The maximum remaining work of a draft. */
export interface Remaining {
  listener: number | null;
  /** Whether it has a slot. */
  running: boolean;
  /** Prompt tokens that may not have been processed yet. */
  promptTokens: number;
  tokens: number;
  /** Milliseconds until its time limit. Null if it has none. */
  limitMs: number | null;
}

export interface DraftEnd {
  listener: number | null;
  /** Milliseconds from now. */
  ms: number;
}

/**
 * When each draft ends at the latest, in ascending order: the remaining tokens at the recent pace, with slots going to
 * the waiting drafts in order of arrival.
 */
export function forecastEnds(drafts: readonly Remaining[], slots: number, pace: PaceState): DraftEnd[] {
  const free = Array.from({ length: Math.max(1, slots) }, () => 0);
  const inOrder = [...drafts.filter(({ running }) => running), ...drafts.filter(({ running }) => !running)];
  const ends = inOrder.map((draft) => {
    const slot = free.indexOf(Math.min(...free));
    const ms = Math.min((free[slot] ?? 0) + timeFor(draft, pace), draft.limitMs ?? Infinity);
    free[slot] = ms;
    return { listener: draft.listener, ms };
  });
  return ends.sort((a, b) => a.ms - b.ms);
}

const timeFor = ({ promptTokens, tokens }: Remaining, { prefillTokenMs, stepMs }: PaceState): number =>
  promptTokens * prefillTokenMs + tokens * stepMs;
