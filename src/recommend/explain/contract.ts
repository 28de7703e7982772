import type { FeedbackKind } from '../../listeners/listeners.ts';

export type Locale = 'EN' | 'ZH';

export interface Counterfactual {
  score: number;
  rank: number | null;
}

/** The kind of thing that a reason refers to. NONE if nothing speaks for a track. */
export type ReasonKind = 'HISTORY' | 'PREFERENCE' | 'POPULARITY' | 'NONE';

/** The main reason for a track, as it is kept with a list. */
export interface MainReason {
  kind: ReasonKind;
  /**
   * What it refers to: the id of the track that was heard, or the preference: `genre jazz`, `artist 7`, `tag calm`,
   * `seed 7`, `unlike 7`, `session 7`, `text`, `context` or `freshness`, without the words that somebody has written. Null for the others.
   */
  of: string | null;
}

/** Why a heard track speaks for another. `names`: of the artists, genres or tags that both have, those that count most. */
export interface ReasonLink {
  kind: 'LISTENERS' | 'SAME_ARTIST' | 'SHARED_GENRE' | 'SHARED_TAG';
  names: readonly string[];
  contribution: number;
}

/** One additive term of a score. `without` recomputes the ranking, so it is computed only on demand. */
export type Reason = {
  contribution: number;
  summary(locale: Locale): string;
  without(): Counterfactual;
} & (
  | { kind: 'history'; trackId: number; feedback: FeedbackKind; at: Date; links: readonly ReasonLink[] }
  | { kind: 'preference'; preference: string }
  | { kind: 'popularity'; listeners: number; ofAllTime: boolean }
);

/**
 * `score = baseline + Σ reasons.contribution`, to 1e-6 ([REC1]). Reasons are sorted by absolute contribution, largest
 * first.
 */
export interface Explanation {
  /** Identifies the track and what explains it: the ranking, and the sentences of the list above it. */
  readonly id: string;
  baseline: number;
  reasons: readonly Reason[];
  /** The first of `reasons`, without computing the others. */
  top(first: number): readonly Reason[];
  /** The reason with the largest positive contribution. */
  readonly mainReason: MainReason;
  /** The sum of the contributions beyond the first reasons. */
  remainder(first: number): number;
  summary(locale: Locale): string;
}
