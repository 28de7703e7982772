import type { PaceState } from '../contract.ts';

/** What a draft still takes, at most. */
export interface Remaining {
  listener: number | null;
  /** Whether it has a slot. */
  running: boolean;
  /** Of its prompt, what has not been taken in for certain. */
  promptTokens: number;
  tokens: number;
  /** When its time is over, in ms from now; null: never. */
  limitMs: number | null;
}

export interface DraftEnd {
  listener: number | null;
  /** From now. */
  ms: number;
}

/**
 * When each draft will have been written at the latest, the earliest first: tokens left at the pace of late, slots going to those
 * that wait in the order in which they came.
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
