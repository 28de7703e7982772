import type { ConsentRow } from '../db/access/consent-queries.ts';
import type { Purposes } from '../db/access/purposes.ts';
import type { PersonalRows } from '../db/analytics/personal-data.ts';
import type { ClaimedRows } from '../db/queries/visitor-queries.ts';
import type { MarkedTrackRow, TrackMark, Verdict, ViewerFeedbackRow } from '../db/recommend/taste-queries.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Erasure } from './erasure.ts';
import type { Listener, Viewer } from './viewer.ts';

export interface Preferences {
  genres: readonly { genreId: number; slug: string; name: string; weight: number }[];
  artistIds: readonly number[];
  tags: readonly string[];
  text: string | null;
  allowExplicit: boolean;
  updatedAt: Date | null;
}

/** Absent fields keep their values. */
export interface PreferencesInput {
  genres?: readonly { genre: string; weight: number }[] | null;
  artistIds?: readonly number[] | null;
  tags?: readonly string[] | null;
  text?: string | null;
  allowExplicit?: boolean | null;
}

/** What a listener's feedback may be used for, besides their own recommendations ([CONSENT1]). */
export type Consent = Omit<ConsentRow, 'listenerId'>;

/** Absent purposes stay as they are. */
export type ConsentInput = { [Purpose in keyof Purposes]?: boolean | null };

export type FeedbackKind = 'PLAY' | 'COMPLETE' | 'LIKE' | 'SAVE' | 'SKIP' | 'DISLIKE' | 'HIDE';

export interface Feedback {
  id: number;
  listenerId: number;
  trackId: number;
  kind: FeedbackKind;
  /** Number of events. More than 1 if an import supplied counts instead of events. */
  plays: number;
  listenedMs: number | null;
  at: Date;
  requestId: string | null;
}

/** What became an account's when a visitor signed in. */
export type Claimed = ClaimedRows;

export type ViewerFeedback = Omit<ViewerFeedbackRow, 'trackId'>;

export type { TrackMark, Verdict };

type VerdictInput = { trackId: number; requestId?: string | null } & Verdict;

export interface FeedbackInput {
  /** The listener's id. By default the viewer; naming another listener requires the SERVICE role. */
  listenerId?: number | null;
  trackId: number;
  kind: FeedbackKind;
  listenedMs?: number | null;
  at?: Date | null;
  requestId?: string | null;
  idempotencyKey?: string | null;
}

/** Listeners, their preferences and their feedback. Each change wakes `listener:ID` (lib/wakeups). */
export interface Listeners {
  /** The listener with this external id, created if it is new. */
  ensure(externalId: string, displayName?: string): Promise<Listener>;
  /** Like `ensure`, for a visitor. @throws UnauthenticatedError if the visitor has become an account */
  ensureVisitor(externalId: string): Promise<Listener>;
  /**
   * Gives everything of a visitor to an account, for good. Repeating it changes nothing.
   * @throws ConflictError if the visitor has become another account; NotFoundError if the account has been erased
   */
  claim(accountId: number, visitor: string): Promise<Claimed>;
  byExternalId(externalId: string): Promise<Listener | null>;
  byIds(ids: readonly number[]): Promise<Map<number, Listener>>;
  /** Never missing: a listener without stated preferences has empty ones. */
  preferences(listenerIds: readonly number[]): Promise<Map<number, Preferences>>;
  /** @throws InvalidInputError, NotFoundError */
  setPreferences(listenerId: number, input: PreferencesInput): Promise<Preferences>;
  /** What holds for these listeners, by what they said or by the operator's default. */
  consents(listenerIds: readonly number[]): Promise<Map<number, Consent>>;
  /** From the next training, count and export on. @throws InvalidInputError if nothing is said, NotFoundError */
  setConsent(listenerId: number, input: ConsentInput): Promise<Consent>;
  /** Newest first. */
  feedback(listenerId: number, args: PageArgs & { kinds?: readonly FeedbackKind[] | null }): Promise<Page<Feedback>>;
  /** Marked tracks as they stand, the latest mark first. @throws InvalidInputError */
  markedTracks(listenerId: number, args: PageArgs & { mark: TrackMark }): Promise<Page<MarkedTrackRow>>;
  feedbackById(ids: readonly number[]): Promise<Map<number, Feedback>>;
  /**
   * Repeating an idempotency key returns the first result.
   * @throws InvalidInputError, NotFoundError, ForbiddenError, IdempotencyConflictError for a key of another input
   */
  record(viewer: Viewer, input: FeedbackInput): Promise<Feedback>;
  /** Records all of the batch or none of it. */
  recordBatch(viewer: Viewer, input: readonly FeedbackInput[]): Promise<{ recorded: number; duplicates: number }>;
  /** @throws NotFoundError if it does not exist or is not the viewer's */
  remove(viewer: Viewer, feedbackId: number): Promise<void>;
  /**
   * Deletes everything stored about a listener. Their external id then names a new listener. Other rooms delete their
   * own data.
   * @param deleteDrafts deletes the listener's drafts and returns their number
   * @throws NotFoundError, ConflictError
   */
  erase(listenerId: number, deleteDrafts: () => Promise<number>): Promise<Erasure>;
  /** Everything else that is stored about a listener, as JSON for people, read as it is taken. */
  everythingOf(listenerId: number): PersonalRows;
  /** What the listener did with each of these tracks, as an app shows it; those that they did nothing with are absent. */
  viewerFeedback(listenerId: number, trackIds: readonly number[]): Promise<Map<number, ViewerFeedback>>;
  /** Says that the viewer likes, dislikes, saves or hides a track, or takes it back. @throws InvalidInputError, NotFoundError */
  setVerdict(viewer: Viewer, input: VerdictInput): Promise<void>;
}
