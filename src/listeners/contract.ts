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

/** Fields left out stay as they are. */
export interface PreferencesInput {
  genres?: readonly { genre: string; weight: number }[] | null;
  artistIds?: readonly number[] | null;
  tags?: readonly string[] | null;
  text?: string | null;
  allowExplicit?: boolean | null;
}

export type FeedbackKind = 'PLAY' | 'COMPLETE' | 'LIKE' | 'SAVE' | 'SKIP' | 'DISLIKE' | 'HIDE';

export interface Feedback {
  id: number;
  listenerId: number;
  trackId: number;
  kind: FeedbackKind;
  /** How often: more than 1 where an import gave counts instead of events. */
  plays: number;
  listenedMs: number | null;
  at: Date;
  requestId: string | null;
}

export interface FeedbackInput {
  /** Whose feedback; the viewer when absent. Naming somebody else needs the SERVICE role. */
  listenerId?: number | null;
  trackId: number;
  kind: FeedbackKind;
  listenedMs?: number | null;
  at?: Date | null;
  requestId?: string | null;
  idempotencyKey?: string | null;
}

/** Listeners, what they say they like, and what they did. Each change wakes `listener:ID` (lib/wakeups). */
export interface Listeners {
  /** The listener of this external id, made on first sight. */
  ensure(externalId: string, displayName?: string): Promise<Listener>;
  byExternalId(externalId: string): Promise<Listener | null>;
  byIds(ids: readonly number[]): Promise<Map<number, Listener>>;
  /** Never missing: a listener who stated nothing has empty preferences. */
  preferences(listenerIds: readonly number[]): Promise<Map<number, Preferences>>;
  /** @throws InvalidInputError, NotFoundError */
  setPreferences(listenerId: number, input: PreferencesInput): Promise<Preferences>;
  /** Newest first. */
  feedback(listenerId: number, args: PageArgs & { kinds?: readonly FeedbackKind[] | null }): Promise<Page<Feedback>>;
  feedbackById(ids: readonly number[]): Promise<Map<number, Feedback>>;
  /**
   * Repeating an idempotency key returns the first result.
   * @throws InvalidInputError, NotFoundError, ForbiddenError, IdempotencyConflictError for a key of another input
   */
  record(viewer: Viewer, input: FeedbackInput): Promise<Feedback>;
  /** All of the batch or none of it. */
  recordBatch(viewer: Viewer, input: readonly FeedbackInput[]): Promise<{ recorded: number; duplicates: number }>;
  /** @throws NotFoundError when it is not there or not the viewer's */
  remove(viewer: Viewer, feedbackId: number): Promise<void>;
  /**
   * Deletes all that is kept of a listener; their external id is then a new one's. What other rooms keep is theirs to delete.
   * @param deleteDrafts deletes the drafts that there are, and tells how many
   * @throws NotFoundError, ConflictError
   */
  erase(listenerId: number, deleteDrafts: () => Promise<number>): Promise<Erasure>;
  /** The standing reaction to each track: the latest of LIKE, SAVE, DISLIKE, HIDE, else the latest of the other kinds. */
  reactions(listenerId: number, trackIds: readonly number[]): Promise<Map<number, FeedbackKind>>;
}
