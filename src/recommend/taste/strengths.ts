import type { FeedbackKind } from '../../listeners/listeners.ts';

/**
 * How strongly a reaction speaks for similar tracks, from −1 to 1. A verdict counts in full. Playing a track to the end
 * counts more than starting it. A skip is only a mild no, because people also skip what they like.
 */
const STRENGTHS: Readonly<Record<FeedbackKind, number>> = {
  LIKE: 1,
  SAVE: 1,
  COMPLETE: 0.6,
  PLAY: 0.4,
  SKIP: -0.3,
  DISLIKE: -1,
  HIDE: -1,
};

const VERDICTS: ReadonlySet<FeedbackKind> = new Set(['LIKE', 'SAVE', 'DISLIKE', 'HIDE']);

export interface Reaction {
  trackId: number;
  kind: FeedbackKind;
  /** Milliseconds since the epoch. */
  at: number;
  /** Number of events of this kind. */
  plays: number;
  /** In [−1, 1]. */
  strength: number;
}

interface ReactionTotals {
  trackId: number;
  kind: FeedbackKind;
  plays: number;
  at: number;
}

/**
 * The current reaction to each track: the latest verdict, otherwise the latest other event ([FB4]). Repeated plays
 * count as well: each doubling adds 0.1, up to a verdict's 1. The order is that of the rows.
 */
export function currentReactions(rows: Iterable<ReactionTotals>): Reaction[] {
  const latest = new Map<number, ReactionTotals>();
  for (const row of rows) {
    const known = latest.get(row.trackId);
    if (!known || outranks(row, known)) latest.set(row.trackId, row);
  }
  return [...latest.values()].map(reactionOf);
}

export const reactionOf = ({ trackId, kind, at, plays }: ReactionTotals): Reaction => ({
  ...{ trackId, kind, at, plays },
  strength: strengthOf(kind, plays),
});

function outranks(row: ReactionTotals, known: ReactionTotals): boolean {
  const [verdict, knownVerdict] = [VERDICTS.has(row.kind), VERDICTS.has(known.kind)];
  return verdict === knownVerdict ? row.at > known.at : verdict;
}

/** Of a reaction of this kind. */
export function strengthOf(kind: FeedbackKind, plays: number): number {
  const strength = STRENGTHS[kind];
  if (kind !== 'PLAY' && kind !== 'COMPLETE') return strength;
  return Math.min(1, strength + 0.1 * Math.log2(Math.max(1, plays)));
}
