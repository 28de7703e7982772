import type { Genre, TrackFilter } from '../catalogue/catalogue.ts';
import type { PageArgs } from '../lib/page.ts';
import type { FeedbackKind } from '../listeners/listeners.ts';

export type Locale = 'EN' | 'ZH';

export type Exclusion = 'HEARD' | 'HIDDEN' | 'EXPLICIT' | 'FILTERED' | 'AVOIDED_GENRE' | 'WITHDRAWN' | 'OTHER_VERSION';

export interface RecommendationContext {
  /** Ranks tracks similar to these higher, for this request only. */
  seedTrackIds?: readonly number[] | null;
  text?: string | null;
  /** 0–1. At 0 the year of release has no effect, at 1 new releases come first. */
  freshness?: number | null;
}

export interface RecommendationQuery {
  context?: RecommendationContext | null;
  filter?: TrackFilter | null;
  /** Weight of diversity: 0 is score alone, 1 is difference from the tracks above alone. */
  diversity?: number;
  /** Weight of calibration: 0 ignores genres, 1 matches the shares in which the listener hears them ([BEYOND1]). */
  calibration?: number;
  /** Null for no limit. */
  maxPerArtist?: number | null;
  /** Excludes what was in the listener's lists of the last hours. */
  notServedForHours?: number;
  includeHeard?: boolean;
}

export interface Recommendation {
  trackId: number;
  rank: number;
  score: number;
  scoreRank: number;
  /** The probability that the track was chosen for its position, given those above it. 1 without exploration. */
  propensity: number;
  explanation: Explanation;
}

/** A word of `context.text`, and whether tracks of the catalogue are described by it. */
export interface ContextWord {
  text: string;
  match: 'MATCHED' | 'UNMATCHED' | 'NEGATED' | 'IGNORED';
}

/** That a list has become another one. */
export interface ListChange {
  /** Another model version, what the listener said, or else the catalogue and the popularity of its tracks. */
  cause: 'MODEL' | 'LISTENER' | 'CATALOGUE';
  /** The list that `recommend` gives now. */
  requestId: string;
}

export interface RecommendationPage {
  edges: readonly { cursor: string; node: Recommendation }[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  requestId: string;
  modelVersion: string;
  /** Each word that the list was asked for with, once. */
  contextWords: readonly ContextWord[];
}

export interface Counterfactual {
  score: number;
  rank: number | null;
}

/** The kind of thing that a reason refers to. NONE if nothing speaks for a track. */
export type ReasonKind = 'HISTORY' | 'PREFERENCE' | 'POPULARITY' | 'NONE';

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
  baseline: number;
  reasons: readonly Reason[];
  /** The first of `reasons`, without computing the others. */
  top(first: number): readonly Reason[];
  /** The kind of the reason with the largest positive contribution. */
  readonly mainReason: ReasonKind;
  /** The sum of the contributions beyond the first reasons. */
  remainder(first: number): number;
  summary(locale: Locale): string;
}

/** What to ask a new listener about, the most telling first. */
export interface OnboardingQuestions {
  /** Ids of at most so many tracks. */
  tracks(first: number): readonly number[];
  artists(first: number): readonly number[];
  /** From 0 to 1: how much of what people listen to the answers so far tell about. */
  coverage: number;
}

export interface TrackExplanation {
  trackId: number;
  score: number;
  scoreRank: number | null;
  excludedBy: readonly Exclusion[];
  /** The other recording of the song that the listener reacted to, or that may be in the list instead. */
  otherVersionId: number | null;
  explanation: Explanation;
  /** The tracks that score best and higher than this one. Empty if it is excluded. */
  outweighedBy(first: number): readonly Recommendation[];
  /** Why it does not rank higher: what excludes it, or what outweighs it ([REC12]). */
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

/** A version produced by one training. */
export interface ModelVersion {
  version: string;
  trainedAt: Date;
  /** The chosen settings, and counts of the training data. */
  parameters: Readonly<Record<string, number | string>>;
  isActive: boolean;
  /** Whether its weights are kept, so that it can serve again. */
  isKept: boolean;
}

export interface Recommender extends AsyncDisposable {
  /** @throws InvalidInputError for an invalid argument or a cursor of another list */
  recommend(listenerId: number, query: RecommendationQuery, page: PageArgs): Promise<RecommendationPage>;
  explain(
    listenerId: number,
    trackId: number,
    query: Pick<RecommendationQuery, 'context' | 'filter'>,
  ): Promise<TrackExplanation | null>;
  /**
   * The tracks nearest to this one, without those that the listener hid, disliked or excludes by preference. Reasons
   * refer to the track itself and to popularity. The listener's feedback is attributed to the page. Without a listener
   * no rules apply.
   */
  similar(trackId: number, page: PageArgs, listenerId?: number): Promise<RecommendationPage>;
  /** The tracks and artists about which answers would tell most beyond what is known. */
  onboarding(listenerId: number): Promise<OnboardingQuestions>;
  /** The other recordings of a track's song that are not withdrawn, most popular first. */
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
  /** When that list has become another one, and why. Nothing is served by it. @throws like `live` */
  changes(
    listenerId: number,
    query: RecommendationQuery,
    first: number,
    signal?: AbortSignal,
  ): AsyncIterableIterator<ListChange>;
  /** Settles when lists are of the catalogue as it was when this was called. */
  upToDate(): Promise<void>;
  /**
   * Engagement with the lists served in a period.
   * @throws InvalidInputError for an empty or too long period; DeadlineExceededError if counting it takes too long
   */
  analytics(query: AnalyticsQuery, signal?: AbortSignal): Promise<Analytics>;
  /** An estimate of a version's click-through rate from served lists. Null if its weights are not kept. */
  offPolicy(modelVersion: string, signal?: AbortSignal): Promise<OffPolicyEstimate | null>;
  evaluations(first: number): Promise<RecommenderEvaluation[]>;
  /**
   * Trains on all feedback in a worker and stores the version, which serves from then on unless it is worse ([REC13]).
   * @returns its name
   * @throws the signal's reason if it aborts; nothing has been changed then
   */
  train(options?: TrainerOptions): Promise<string>;
  /** Newest first. */
  versions(first: number): Promise<ModelVersion[]>;
  /**
   * Makes a kept version serve.
   * @returns the version as it is then
   * @throws InvalidInputError for an invalid name; NotFoundError if it does not exist or is not kept
   */
  activate(version: string): Promise<ModelVersion>;
}

export interface AnalyticsQuery {
  /** By default seven days before `to`. */
  from?: Date | null;
  /** Exclusive. By default now. */
  to?: Date | null;
  modelVersion?: string | null;
}

/** Counts of impressions ([ATTR1]), and of those with feedback. */
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
  /** Null for positions after 100. */
  byPosition: (Engagement & { position: number | null })[];
  byGenre: (Engagement & { genre: Genre | null })[];
  byReasonKind: (Engagement & { reasonKind: ReasonKind })[];
  /** In UTC. */
  byDay: (Engagement & { day: Date })[];
  /** Number of feedback events of the period that name a list without this track and listener. */
  unattributed: number;
}

export type OffPolicyRefusal = 'NO_LISTS' | 'TOO_FEW';

/** An estimate of the clicks per impression of another version, from served lists and their clicks. */
export interface OffPolicyEstimate {
  modelVersion: string;
  /** Only lists served later are counted, because the version has learned from the earlier ones. Null for `untrained`. */
  servedAfter: Date | null;
  /** Why there is no score: no list was served since the training, or the effective sample size is too small. */
  refusal: OffPolicyRefusal | null;
  lists: number;
  impressions: number;
  /** Clicks per impression as served. */
  ctr: number | null;
  /**
   * Inverse propensity scoring (Horvitz & Thompson 1952). Too low if much of what the version would show was never
   * shown.
   */
  ips: number | null;
  /** Normalised by the weights (Swaminathan & Joachims 2015). */
  snips: number | null;
  /** The 95 % interval of `snips`. Lists, not positions, are treated as independent. */
  low: number | null;
  high: number | null;
  /** Number of the version's own impressions that would be equally informative: (Σ w)² / Σ w². */
  effectiveSampleSize: number;
  /** Near 1 if the lists could have shown what the version would show. The rest up to 1 is not evaluated. */
  meanWeight: number | null;
}

export interface TrainerOptions {
  signal?: AbortSignal | undefined;
  report?: ((progress: TrainingProgress) => void) | undefined;
}

export interface TrainingProgress {
  done: number;
  whole: number;
  what: string;
}
