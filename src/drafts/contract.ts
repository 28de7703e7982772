import type { PollableIterator } from '../lib/async/streams.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { FinishReason, Sampling, Token, Usage } from '../ml/engine.ts';
import type { TuneInput } from '../tunes/tunes.ts';
import type { VerseForm, VerseFormInput } from '../verse/verse.ts';
import type { Passage } from './text/passages.ts';

export type DraftKind = 'LYRICS' | 'POEM' | 'STORY' | 'ARTICLE' | 'TUNE';

export type DraftStatus = 'QUEUED' | 'GENERATING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';

type DraftVisibility = 'PRIVATE' | 'SHARED';

export interface Draft {
  id: string;
  listenerId: number;
  kind: DraftKind;
  title: string;
  prompt: string;
  status: DraftStatus;
  visibility: DraftVisibility;
  finishReason: FinishReason | null;
  modelId: string;
  sampling: Sampling;
  /** The form that the model's last text keeps. Null for a text without a form. */
  form: VerseForm | null;
  usage: Usage;
  /** Why `status` is FAILED. */
  failure: string | null;
  /** The last event included in this snapshot, which is the draft's revision. Its cursor resumes after it. */
  sequence: number;
  /** The epoch in which that event was written; 0 before the first. */
  lastEpoch: number;
  /** Events up to here are no longer in the log. A reader that resumes before it gets a snapshot. */
  compacted: number;
  /** The text up to `sequence`. */
  text: string;
  /** The same text by who has written what. */
  passages: readonly Passage[];
  createdAt: Date;
  updatedAt: Date;
}

export type SamplingInput = { [Key in keyof Sampling]?: Sampling[Key] | null };

export interface StartDraftInput {
  kind: DraftKind;
  prompt: string;
  title?: string | null;
  visibility?: DraftVisibility | null;
  modelId?: string | null;
  sampling?: SamplingInput | null;
  form?: VerseFormInput | null;
  tune?: TuneDraftInput | null;
  idempotencyKey?: string | null;
}

/** What a draft of kind TUNE is to be. The id of another draft is one of a tune that the viewer may read. */
export interface TuneDraftInput extends TuneInput {
  infill?: { draftId?: string | null; abc?: string | null; bars: readonly number[] } | null;
  variationOf?: string | null;
}

export interface ContinueDraftInput {
  draftId: string;
  instruction?: string | null;
  /** The code point of the text before which it is inserted. Null: at the end. */
  at?: number | null;
  /** Refuses to continue another revision than this one. */
  ifRevision?: number | null;
  form?: VerseFormInput | null;
  sampling?: SamplingInput | null;
  idempotencyKey?: string | null;
}

export interface UpdateDraftInput {
  draftId: string;
  title?: string | null;
  visibility?: DraftVisibility | null;
  /** The whole text as it is to be, in a request of its own. */
  text?: string | null;
  /** The revision that was changed. Required with a text. */
  ifRevision?: number | null;
  /** For the text. */
  idempotencyKey?: string | null;
}

/** Why a reader is sent a snapshot: it has no cursor, the log no longer reaches back to it, or has lost it ([LOG13]). */
export type SnapshotReason = 'START' | 'COMPACTED' | 'DIVERGED';

/** An event of a draft's log, as a reader gets it. */
export type DraftEvent =
  | { type: 'snapshot'; cursor: string; reason: SnapshotReason; draft: Draft }
  | ({ type: 'tokens'; text: string; tokens: readonly Token[] } & EventPlace)
  /** At the code point `at` of the text before it. */
  | ({ type: 'inserted'; at: number; text: string; tokens: readonly Token[] } & EventPlace)
  /** A person has replaced the code points from `start` to `end`, exclusive. */
  | ({ type: 'edit'; start: number; end: number; text: string } & EventPlace)
  | ({ type: 'status'; status: DraftStatus; finishReason: FinishReason | null; usage: Usage } & EventPlace);

interface EventPlace {
  cursor: string;
  /** The draft's revision with this event. */
  revision: number;
}

/** Which drafts of a listener. Absent: all. */
interface DraftFilter {
  kinds?: readonly DraftKind[] | null;
  statuses?: readonly DraftStatus[] | null;
  updatedSince?: Date | null;
}

export interface DraftQuery extends PageArgs {
  filter?: DraftFilter | null;
  /** Words that all occur in the title, the prompt or the text. */
  search?: string | null;
}

/** How long a draft is followed. */
export interface FollowTime {
  /** Goes on after the draft has ended, with later edits and continuations. */
  keepOpen?: boolean;
  signal?: AbortSignal | undefined;
}

/** Drafts: written by the engine, stored in a log, followed by any number of readers. */
export interface Drafts extends AsyncDisposable {
  /**
   * Repeating an idempotency key returns the first draft.
   * @throws InvalidInputError, OverloadedError, ModelUnavailableError; IdempotencyConflictError for a key of another
   * input
   */
  start(viewer: Viewer, input: StartDraftInput): Promise<Draft>;
  /**
   * Continues a finished draft from its text as it is now. Repeating one of the draft's keys changes nothing.
   * @throws ConflictError while it is being written; RevisionConflictError; otherwise like `start`
   */
  continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft>;
  /** Ends generation within one token and keeps the text. A finished draft is not changed. */
  cancel(viewer: Viewer, draftId: string): Promise<Draft>;
  /**
   * Changes a draft's title and visibility, or the text of one that has ended. Repeating one of its keys changes
   * nothing.
   * @throws ConflictError while it is being written; RevisionConflictError; IdempotencyConflictError
   */
  update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft>;
  delete(viewer: Viewer, draftId: string): Promise<void>;
  /** Deletes all drafts of a listener. Those being written are cancelled first, on any node. @returns their number */
  deleteOf(listenerId: number): Promise<number>;
  /** The drafts that the viewer may read. Others are absent. */
  byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Draft>>;
  /** Newest first; of another listener, only SHARED drafts. @throws InvalidInputError */
  ofListener(viewer: Viewer, listenerId: number, query: DraftQuery): Promise<Page<Draft>>;
  cursorOf(draft: Draft): string;
  /**
   * The events after `after`, replayed and then live, each once and in order, until the draft has finished (unless
   * `keepOpen`), the signal aborts or the iterator is returned. A snapshot comes first without `after`, if it is older
   * than the compacted log, or if it names an event that the log lost in a restore. Readers at the same position get the same object, so that what is derived from an event can be computed once
   * for all of them.
   * @throws NotFoundError; InvalidInputError for a cursor of another draft
   */
  follow(viewer: Viewer, draftId: string, after: string | null, time?: FollowTime): PollableIterator<DraftEvent>;
  /** From now on, takes up drafts that were waiting or being written when a process ended. */
  recover(): void;
  /** Reduces drafts that ended before this time to their text, at most `limit`. @returns their number */
  compact(before: Date, limit: number): Promise<number>;
}

export const noSuchDraft = (id: string): NotFoundError =>
  new NotFoundError('There is no such draft, or it is not shared with you', id);
