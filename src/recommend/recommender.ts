import type { TrackFilter } from '../catalogue/catalogue.ts';
import type { FeedbackKind } from '../listeners/listeners.ts';
import type { PageArgs } from '../lib/page.ts';
import type { Analytics, AnalyticsQuery } from './analytics.ts';
import type { OffPolicyEstimate } from './off-policy.ts';
import type { TrainerOptions } from './trainer.ts';

export type Locale = 'EN' | 'ZH';
export type Exclusion = 'HEARD' | 'HIDDEN' | 'EXPLICIT' | 'FILTERED' | 'AVOIDED_GENRE' | 'WITHDRAWN' | 'OTHER_VERSION';

export interface RecommendationContext {
  /** Steer towards these tracks for this request only. */
  seedTrackIds?: readonly number[] | null;
  text?: string | null;
  /** 0: as new as may be … 1: new releases above all. */
  freshness?: number | null;
}

export interface RecommendationQuery {
  context?: RecommendationContext | null;
  filter?: TrackFilter | null;
  /** 0: by score alone … 1: by difference from what is above. */
  diversity?: number;
  /** 0: whatever genres score … 1: genres in the shares that the listener hears them in ([BEYOND1]). */
  calibration?: number;
  /** Any number where it is null. */
  maxPerArtist?: number | null;
  /** What was in the listener's lists of so many hours stays out. */
  notServedForHours?: number;
  includeHeard?: boolean;
}

export interface Recommendation {
  trackId: number;
  rank: number;
  score: number;
  scoreRank: number;
  /** The chance that the track had of this place, given those above it; 1 where nothing is explored. */
  propensity: number;
  explanation: Explanation;
}

export interface RecommendationPage {
  edges: readonly { cursor: string; node: Recommendation }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  requestId: string;
  modelVersion: string;
}

export interface Counterfactual {
  score: number;
  rank: number | null;
}

/** What a reason refers to; NONE where nothing speaks for a track. */
export type ReasonKind = 'HISTORY' | 'PREFERENCE' | 'POPULARITY' | 'NONE';

/** One additive term of a score. `without` recomputes the ranking, so it is computed only when asked for. */
export type Reason = {
  contribution: number;
  summary(locale: Locale): string;
  without(): Counterfactual;
} & (
  | { kind: 'history'; trackId: number; feedback: FeedbackKind; at: Date }
  | { kind: 'preference'; preference: string }
  | { kind: 'popularity'; listeners: number; ofAllTime: boolean }
);

/** SPEC [REC1]: `score = baseline + Σ reasons.contribution`, to 1e-6. Reasons: largest absolute contribution first. */
export interface Explanation {
  baseline: number;
  reasons: readonly Reason[];
  /** The first of `reasons`, without making the others. */
  top(first: number): readonly Reason[];
  /** Of the reason that speaks most for the track. */
  readonly mainReason: ReasonKind;
  /** What the reasons beyond the first contribute together. */
  remainder(first: number): number;
  summary(locale: Locale): string;
}

export interface TrackExplanation {
  trackId: number;
  score: number;
  scoreRank: number | null;
  excludedBy: readonly Exclusion[];
  /** The other recording of the song that the listener reacted to, or that may be in the list instead. */
  otherVersionId: number | null;
  explanation: Explanation;
  /** The tracks that score best, as far as they score above this one; none where it is excluded. */
  outweighedBy(first: number): readonly Recommendation[];
  /** Why it is not further up: what rules it out, or what outweighs it ([REC12]). */
  summary(locale: Locale): string;
}

export interface RecommenderEvaluation {
  modelVersion: string;
  dataset: string;
  protocol: string;
  metric: string;
  value: number;
  at: Date;
}

/** One training. */
export interface ModelVersion {
  version: string;
  trainedAt: Date;
  /** What was chosen, and counts of what it was trained on. */
  parameters: Readonly<Record<string, number | string>>;
  isActive: boolean;
  /** Whether its weights are still there, so that it can serve again. */
  isKept: boolean;
}

export interface Recommender extends AsyncDisposable {
  /** @throws InvalidInputError for a bad argument or a cursor that is not of such a list */
  recommend(listenerId: number, query: RecommendationQuery, page: PageArgs): Promise<RecommendationPage>;
  explain(
    listenerId: number,
    trackId: number,
    query: Pick<RecommendationQuery, 'context' | 'filter'>,
  ): Promise<TrackExplanation | null>;
  /**
   * Tracks nearest to this one, without those that the listener hid, disliked or does not want: reasons refer to the track
   * itself and popularity. Feedback of the listener is attributed to the page. Without a listener nobody's rules hold.
   */
  similar(trackId: number, page: PageArgs, listenerId?: number): Promise<RecommendationPage>;
  /** The other recordings of a track's song that are not withdrawn, the most popular first. */
  versionsOf(trackId: number): Promise<number[]>;
  /** The list now, and again whenever feedback, preferences or the model change it. Ends at once on return or abort. */
  live(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    signal: AbortSignal,
  ): AsyncIterable<RecommendationPage>;
  /** What came of the lists served in a time. @throws InvalidInputError for a range that is none or too long */
  analytics(query: AnalyticsQuery): Promise<Analytics>;
  /** What a version would come to, judged by what was served; null where its weights are not kept. */
  offPolicy(modelVersion: string): Promise<OffPolicyEstimate | null>;
  evaluations(first: number): Promise<RecommenderEvaluation[]>;
  /**
   * Trains on all feedback in a worker and stores the version, which serves from then on unless it is worse ([REC13]).
   * @returns its name
   * @throws the signal's reason when it aborts; nothing has been changed then
   */
  train(options?: TrainerOptions): Promise<string>;
  /** Newest first. */
  versions(first: number): Promise<ModelVersion[]>;
  /**
   * Makes a version that is kept serve.
   * @returns it, as it then is
   * @throws InvalidInputError for what can be no name, NotFoundError when it is not there or not kept
   */
  activate(version: string): Promise<ModelVersion>;
}

export type { OffPolicyEstimate } from './off-policy.ts';
export type { Analytics, AnalyticsQuery, Engagement } from './analytics.ts';
export { createRecommender } from './recommender-service.ts';
export type { History } from './interactions.ts';
export { evaluateModel, type HoldoutCase } from './training.ts';
