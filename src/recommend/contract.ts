import type { Direction, TrackFilter } from '../catalogue/catalogue.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Explanation, Locale } from './explain/contract.ts';
import type {
  Analytics,
  AnalyticsAxis,
  AnalyticsPeriod,
  AnalyticsQuery,
  Breakdown,
  Coverage,
  ExportKind,
  ExportRow,
  OffPolicyEstimate,
} from './measure/contract.ts';
import type { Feel } from './model/descriptions.ts';

export type Exclusion = 'HEARD' | 'HIDDEN' | 'EXPLICIT' | 'FILTERED' | 'AVOIDED_GENRE' | 'WITHDRAWN' | 'OTHER_VERSION';

export interface RecommendationContext {
  /** Ranks tracks similar to these higher, for this request only. */
  seedTrackIds?: readonly number[] | null;
  /** Ranks tracks similar to these lower, and leaves these out. */
  unlikeTrackIds?: readonly number[] | null;
  /** What was heard in this session, oldest first, in place of what the listener has heard before. */
  session?: readonly number[] | null;
  text?: string | null;
  /** Ranks tracks higher that fit the mood of a draft: in words that name it, and as numbers that tracks may have. */
  mood?: { draftId: string; words: string; feel?: Feel | null } | null;
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

/** Characters of a text whose meaning is looked for. */
export const MOST_MEANING = 500;

/** Tracks by how close they are to what a text means. */
export interface MeaningSearch extends PageArgs {
  meaning: string;
  /** Only these tracks. Null: all. */
  among: ReadonlySet<number> | null;
  /** The closest first, unless told. */
  direction?: Direction | null;
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

/** The mean of what a track is worth to the members, or what it is worth to whom it suits least. */
export type GroupStrategy = 'MEAN' | 'LEAST_MISERY';

/** A track for a group of listeners. */
export interface GroupRecommendation {
  trackId: number;
  rank: number;
  /** The mean or the least of the members' shares. */
  score: number;
  members: readonly {
    listenerId: number;
    score: number;
    /** The score as a share of that of the member's best track: at most 1 for tracks that the member may have. */
    share: number;
    explanation: Explanation;
  }[];
}

export interface GroupRequest {
  listenerIds: readonly number[];
  strategy: GroupStrategy;
  filter?: TrackFilter | null;
  includeHeard?: boolean;
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
  activatedAt: Date | null;
  /** The external id of who activated it. Null if its training or a command did, or that listener was erased. */
  activatedBy: string | null;
}

export interface AskedBy {
  isStaff?: boolean | undefined;
}

export interface Recommender extends AsyncDisposable {
  /** The version that serves, and whether this process trains another one or waits for its turn. */
  state(): { version: string; isTraining: boolean };
  /**
   * @param asked by whom: what staff looks at is no impression ([ATTR9])
   * @throws InvalidInputError for an invalid argument or a cursor of another list
   */
  recommend(
    listenerId: number,
    query: RecommendationQuery,
    page: PageArgs,
    asked?: AskedBy,
  ): Promise<RecommendationPage>;
  /**
   * The next part of a list without an end: each part is a list of its own, of what is known and asked for when it is asked
   * for, without what the parts before it had. Of the query, `maxPerArtist` holds for each part.
   * @throws InvalidInputError for an invalid argument or a cursor of another radio
   */
  radio(listenerId: number, query: RecommendationQuery, page: PageArgs, asked?: AskedBy): Promise<RecommendationPage>;
  /**
   * The tracks that suit a group best, each with every member's reasons.
   * @throws InvalidInputError for an invalid argument, also for a listener that does not exist
   */
  forGroup(group: GroupRequest, first: number): Promise<GroupRecommendation[]>;
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
  similar(trackId: number, page: PageArgs, listenerId?: number, asked?: AskedBy): Promise<RecommendationPage>;
  /** The tracks and artists about which answers would tell most beyond what is known. */
  onboarding(listenerId: number): Promise<OnboardingQuestions>;
  /**
   * The ids of the offered tracks with a genre or tag, by how close they are to a meaning.
   * @throws InvalidInputError; ModelUnavailableError without an encoder; OverloadedError while names are being read
   */
  tracksByMeaning(search: MeaningSearch): Promise<Page<number>>;
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
    asked?: AskedBy,
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
  /**
   * The same along several axes at once.
   * @throws InvalidInputError if there are no axes or one of them twice; DeadlineExceededError as above
   */
  breakdown(
    period: AnalyticsPeriod,
    axes: readonly AnalyticsAxis[],
    first: number,
    signal?: AbortSignal,
  ): Promise<Breakdown>;
  /** Which part of the catalogue was served. @throws DeadlineExceededError as above */
  coverage(period: AnalyticsPeriod, signal?: AbortSignal): Promise<Coverage>;
  /**
   * Rows of what was served and of what listeners did, in batches, each read when it is wanted, until the signal aborts.
   * @throws InvalidInputError for a period that `analytics` would refuse
   */
  export(
    kind: ExportKind,
    query: Omit<AnalyticsQuery, 'modelVersion'>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ExportRow[]>;
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
  activate(version: string, byListenerId?: number): Promise<ModelVersion>;
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
