import type { FeedbackKind } from '../../listeners/listeners.ts';

/**
 * How strongly one reaction speaks for what is like the track, from −1 to 1. A verdict counts whole; having heard a track
 * through counts more than having begun it; a skip is a mild no, for people skip what they like as well.
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
  /** How often, of this kind. */
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
 * The standing reaction to each track: the latest verdict, or else the latest of the others ([FB4]). Hearing something
 * again and again is a statement, too: each doubling of plays adds 0.1, up to a verdict's 1. Order: as the rows come.
 */
export function standingReactions(rows: Iterable<ReactionTotals>): Reaction[] {
  const standing = new Map<number, ReactionTotals>();
  for (const row of rows) {
    const known = standing.get(row.trackId);
    if (!known || outranks(row, known)) standing.set(row.trackId, row);
  }
  return [...standing.values()].map(({ trackId, kind, at, plays }) => ({
    trackId,
    kind,
    at,
    plays,
    strength: strengthOf(kind, plays),
  }));
}

function outranks(row: ReactionTotals, known: ReactionTotals): boolean {
  const [verdict, knownVerdict] = [VERDICTS.has(row.kind), VERDICTS.has(known.kind)];
  return verdict === knownVerdict ? row.at > known.at : verdict;
}

function strengthOf(kind: FeedbackKind, plays: number): number {
  const strength = STRENGTHS[kind];
  if (kind !== 'PLAY' && kind !== 'COMPLETE') return strength;
  return Math.min(1, strength + 0.1 * Math.log2(Math.max(1, plays)));
}
