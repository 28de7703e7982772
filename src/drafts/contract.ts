import type { PollableIterator } from '../lib/async/streams.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { FinishReason, Sampling, Token, Usage } from '../ml/engine.ts';

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
  usage: Usage;
  /** Why `status` is FAILED. */
  failure: string | null;
  /** The last event that this snapshot includes; its cursor resumes after it. */
  sequence: number;
  /** Events up to here are in the log no more: a reader that comes from before is given a snapshot. */
  compacted: number;
  /** The text up to `sequence`. */
  text: string;
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
  idempotencyKey?: string | null;
}

export interface ContinueDraftInput {
  draftId: string;
  instruction?: string | null;
  sampling?: SamplingInput | null;
  idempotencyKey?: string | null;
}

export interface UpdateDraftInput {
  draftId: string;
  title?: string | null;
  visibility?: DraftVisibility | null;
}

/** One step of a draft's log, as a reader sees it. */
export type DraftEvent =
  | { type: 'snapshot'; cursor: string; draft: Draft }
  | { type: 'tokens'; cursor: string; text: string; tokens: readonly Token[] }
  | { type: 'status'; cursor: string; status: DraftStatus; finishReason: FinishReason | null; usage: Usage };

/** Drafts: written by the engine, kept in a log, followed by any number of readers. */
export interface Drafts extends AsyncDisposable {
  /**
   * Repeating an idempotency key returns the first draft.
   * @throws InvalidInputError, OverloadedError, ModelUnavailableError, IdempotencyConflictError for a key of another input
   */
  start(viewer: Viewer, input: StartDraftInput): Promise<Draft>;
  /** Goes on writing a finished draft; repeating a key of the draft changes nothing. @throws ConflictError while it is still being written, and as `start` */
  continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft>;
  /** Ends generation within one token and keeps the text. A finished draft stays as it is. */
  cancel(viewer: Viewer, draftId: string): Promise<Draft>;
  update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft>;
  delete(viewer: Viewer, draftId: string): Promise<void>;
  /** Deletes all drafts of a listener; what is being written is cancelled first, wherever it is. @returns how many */
  deleteOf(listenerId: number): Promise<number>;
  /** The drafts that the viewer may read; others are absent. */
  byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Draft>>;
  /** Newest first; of somebody else's, only those that are SHARED. */
  ofListener(viewer: Viewer, listenerId: number, page: PageArgs): Promise<Page<Draft>>;
  cursorOf(draft: Draft): string;
  /**
   * The events after `after`, replayed and then live, each once and in order, until the draft has finished, the signal
   * aborts or the iterator is returned. Without `after`, or with one from before the log was compacted, a snapshot comes
   * first. Readers at the same place are handed the very same object, so what is made of an event can be made once for all of
   * them.
   * @throws NotFoundError, InvalidInputError for a cursor of another draft
   */
  follow(viewer: Viewer, draftId: string, after: string | null, signal?: AbortSignal): PollableIterator<DraftEvent>;
  /** Takes up, from now on, what nobody writes: drafts that were waiting or being written when a process ended. */
  recover(): void;
  /** Leaves of drafts that ended before then only their text: at most so many. @returns how many */
  compact(before: Date, limit: number): Promise<number>;
}

export const noSuchDraft = (id: string): NotFoundError =>
  new NotFoundError('There is no such draft, or it is not shared with you', id);
