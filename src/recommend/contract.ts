import type { Genre, TrackFilter } from '../catalogue/catalogue.ts';
import type { PageArgs } from '../lib/page.ts';
import type { FeedbackKind } from '../listeners/listeners.ts';

export type Locale = 'EN' | 'ZH';

export type Exclusion = 'HEARD' | 'HIDDEN' | 'EXPLICIT' | 'FILTERED' | 'AVOIDED_GENRE' | 'WITHDRAWN' | 'OTHER_VERSION';

export interface RecommendationContext {
  /** Steer towards these tracks for this request only. */
  seedTrackIds?: readonly number[] | null;
  text?: string | null;
  /** 0–1. At 0 the year of release has no effect, at 1 new releases come first. */
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
  /**
   * The list that `recommend` gives for the same query, and again whenever feedback, preferences or the model change it. Ends
   * at once on return or abort. @throws InvalidInputError for a bad argument
   */
  live(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    signal?: AbortSignal,
  ): AsyncIterableIterator<RecommendationPage>;
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

export interface AnalyticsQuery {
  /** Seven days before `to` unless told. */
  from?: Date | null;
  /** Not included; now unless told. */
  to?: Date | null;
  modelVersion?: string | null;
}

/** Counts of impressions ([ATTR1]), and of those that something came of. */
export interface Engagement {
  impressions: number;
  /** With a PLAY, COMPLETE, LIKE or SAVE. */
  clicks: number;
  completions: number;
  /** With a LIKE or SAVE. */
  likes: number;
  skips: number;
  /** With a DISLIKE or HIDE. */
  rejections: number;
}

/** Each breakdown adds up to the totals ([ATTR3]). */
export interface Analytics {
  from: Date;
  to: Date;
  totals: Engagement;
  byModelVersion: (Engagement & { modelVersion: string })[];
  bySurface: (Engagement & { surface: 'RECOMMENDATIONS' | 'SIMILAR' })[];
  /** Null: further down than the hundredth place. */
  byPosition: (Engagement & { position: number | null })[];
  byGenre: (Engagement & { genre: Genre | null })[];
  byReasonKind: (Engagement & { reasonKind: ReasonKind })[];
  /** In UTC. */
  byDay: (Engagement & { day: Date })[];
  /** Feedback of the time that names a list which had no such track for its listener. */
  unattributed: number;
}

/** What the clicks for each impression would be with another version, judged by what was served and what came of it. */
export interface OffPolicyEstimate {
  modelVersion: string;
  lists: number;
  impressions: number;
  /** As it was served. */
  ctr: number | null;
  /** Inverse propensity scoring (Horvitz & Thompson 1952); low where much of what the version would show was never shown. */
  ips: number | null;
  /** The same, normalised by the weights (Swaminathan & Joachims 2015). */
  snips: number | null;
  /** Of `snips`, 95 %; lists and not places are taken as independent. */
  low: number | null;
  high: number | null;
  /** As many impressions served by the version itself would say as much: (Σ w)² / Σ w². */
  effectiveSampleSize: number;
  /** Near 1 where what the version would show could have been shown; what is missing to 1 is not judged at all. */
  meanWeight: number | null;
}

export interface TrainerOptions {
  signal?: AbortSignal | undefined;
  report?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  done: number;
  whole: number;
  what: string;
}
