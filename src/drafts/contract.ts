import type { Format } from '../formats/formats.ts';
import type { PollableIterator } from '../lib/async/streams.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { ChatMessage, FinishReason, Sampling, Token, Usage } from '../ml/engine.ts';
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
  /** The format of the model's last text. Null for a text without one. */
  format: Format | null;
  usage: Usage;
  /** Why `status` is FAILED. */
  failure: string | null;
  /** The last event included in this snapshot, which is the draft's revision. Its cursor resumes after it. */
  sequence: number;
  /** The epoch in which that event was written; 0 before the first. */
  lastEpoch: number;
  /** Events up to here are no longer in the log. A reader that resumes before it gets a snapshot. */
  compacted: number;
  /** The group of alternatives that it was started in, and its number in it, from 1. Null if it was started alone. */
  groupId: string | null;
  alternative: number | null;
  /** The draft that it came from. Null if there is none, or it was deleted. */
  parentId: string | null;
  origin: DraftOrigin | null;
  /** The text up to `sequence`. */
  text: string;
  /** The same text by who has written what. */
  passages: readonly Passage[];
  createdAt: Date;
  updatedAt: Date;
}

/** A stretch of a text in code points; `end` is exclusive. */
export interface TextRange {
  start: number;
  end: number;
}

/** A passage, and what is around it. */
export interface Surroundings {
  before: string;
  passage: string;
  after: string;
}

/** A token of the model where it is in a text. Positions are in code points. */
export interface PlacedToken extends Omit<Token, 'id'> {
  start: number;
  end: number;
}

/** How a draft came from another, whose revision is the one that was seen. Positions are in code points. */
export type DraftOrigin =
  | { type: 'RETRY'; revision: number }
  /** Begun with the text before `at`, followed by `text`. */
  | { type: 'BRANCH'; revision: number; at: number; text: string }
  | ({ type: 'REWRITE' } & RewriteOrigin)
  | ({ type: 'ASSIST' } & AssistOrigin);

/** A passage that is written anew; empty where one is inserted. */
export interface RewriteOrigin extends TextRange, Surroundings {
  revision: number;
  instruction: string | null;
  tone: RewriteTone | null;
}

/** What is written for a document, and where it is to go. */
export interface AssistOrigin extends Surroundings {
  documentId: string;
  task: AssistWriting;
  instruction: string | null;
  tone: RewriteTone | null;
}

/** How a draft for a document begins: behind its text, or anew in place of a passage; a tune needs neither. */
type AssistWriting = 'CONTINUE' | 'REWRITE' | 'TUNE';

export const TONES = ['PLAIN', 'FORMAL', 'CASUAL', 'WARM', 'HUMOROUS', 'DRAMATIC', 'POETIC', 'DARK'] as const;
export type RewriteTone = (typeof TONES)[number];

export type SamplingInput = { [Key in keyof Sampling]?: Sampling[Key] | null };

export interface StartDraftInput {
  kind: DraftKind;
  prompt: string;
  title?: string | null;
  visibility?: DraftVisibility | null;
  modelId?: string | null;
  sampling?: SamplingInput | null;
  form?: DraftFormInput | null;
  format?: DraftFormatInput | null;
  tune?: TuneDraftInput | null;
  /** Number of drafts to start as alternatives, from which one is chosen. */
  alternatives?: number | null;
  idempotencyKey?: string | null;
}

/** A tune by the id of its draft, which the viewer may read, or as ABC. */
export interface TuneSource {
  draftId?: string | null;
  abc?: string | null;
}

/** The form of a text: a preset, stanzas, or a tune that its words are to be sung to. */
export interface DraftFormInput extends VerseFormInput {
  fromTune?: TuneSource | null;
}

/** The format of an answer: one of these. */
export interface DraftFormatInput {
  jsonSchema?: unknown;
  regex?: string | null;
  choice?: readonly string[] | null;
  gbnf?: string | null;
  lark?: string | null;
}

/** Maximum number of alternatives in a group. */
export const MOST_ALTERNATIVES = 8;

/** Drafts that were started together as alternatives: those that are left, by their numbers. */
export interface DraftGroup {
  id: string;
  drafts: readonly Draft[];
}

/** An event of one draft of a group. */
export interface GroupEvent {
  /** Resumes all drafts of the group after this event. */
  cursor: string;
  draftId: string;
  alternative: number;
  /** Null: the draft is gone, or may no longer be read. */
  event: DraftEvent | null;
}

/** What a draft of kind TUNE is to be. The id of another draft is one of a tune that the viewer may read. */
export interface TuneDraftInput extends TuneInput {
  infill?: (TuneSource & { bars: readonly number[] }) | null;
  variationOf?: string | null;
}

export interface ContinueDraftInput {
  draftId: string;
  instruction?: string | null;
  /** The code point of the text before which it is inserted. Null: at the end. */
  at?: number | null;
  /** Refuses to continue another revision than this one. */
  ifRevision?: number | null;
  form?: DraftFormInput | null;
  sampling?: SamplingInput | null;
  idempotencyKey?: string | null;
}

/** How drafts are begun that come from another. */
interface VersionInput {
  draftId: string;
  /** Refuses another revision of that draft than this one. */
  ifRevision?: number | null;
  sampling?: SamplingInput | null;
  alternatives?: number | null;
  idempotencyKey?: string | null;
}

export interface BranchDraftInput extends VersionInput {
  /** Keeps the code points before this one. 0, the default, writes the draft anew. */
  at?: number | null;
  /** What follows them in place of what the draft has there. */
  text?: string | null;
  instruction?: string | null;
  form?: DraftFormInput | null;
}

export interface RewriteDraftInput extends VersionInput {
  /** The passage to write anew, or … */
  range?: TextRange | null;
  /** … the code point before which a new one is inserted. */
  insertAt?: number | null;
  instruction?: string | null;
  tone?: RewriteTone | null;
}

/** What a model is to write for a document. Its prompt is the instruction, with what is around the place. */
export interface AssistDraftInput {
  origin: AssistOrigin;
  kind: DraftKind;
  title: string;
  modelId?: string | null;
  sampling?: SamplingInput | null;
  form?: DraftFormInput | null;
  tune?: TuneDraftInput | null;
  alternatives?: number | null;
  /** What identifies a repetition: the key, and the whole of what was asked for. */
  request: { idempotencyKey?: string | null } & object;
}

/** Drafts that were begun for a document, as they were asked for. */
export interface AssistDrafts {
  draftIds: readonly string[];
  modelId: string;
  digest: string | null;
  samplings: readonly Sampling[];
  /** What the model is given. */
  messages: readonly ChatMessage[];
}

export interface ApplyRewriteInput {
  /** The draft that was written by `rewrite`. */
  draftId: string;
  /** Refuses to change another revision of the text than this one. */
  ifRevision?: number | null;
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

/** Decides whether drafts may be started, and counts them. */
export interface DraftMeter {
  /**
   * @param start says whether they were started
   * @throws QuotaExceededError
   */
  startDrafts(viewer: Viewer, number: number, start: () => Promise<boolean>): Promise<boolean>;
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
  /**
   * Starts drafts that begin with a text's beginning, or write it anew, and know what they came from.
   * @throws NotFoundError, RevisionConflictError; otherwise like `start`
   */
  branch(viewer: Viewer, input: BranchDraftInput): Promise<Draft>;
  /** Starts drafts that write a passage of a text anew, or one for a place in it. @throws as `branch`, ConflictError */
  rewrite(viewer: Viewer, input: RewriteDraftInput): Promise<Draft>;
  /**
   * Starts drafts that are written for a document.
   * @param store what is stored before the drafts are: its failure starts nothing
   * @returns the first of them, or that of the same request before, for which nothing is stored
   * @throws as `start`
   */
  assist(viewer: Viewer, input: AssistDraftInput, store: (begun: AssistDrafts) => Promise<void>): Promise<Draft>;
  /**
   * Puts a rewritten passage into the text that it was written for, where its place is now. Repeating a key changes
   * nothing.
   * @returns the changed draft
   * @throws ConflictError if the passage was changed meanwhile; RevisionConflictError, NotFoundError
   */
  apply(viewer: Viewer, input: ApplyRewriteInput): Promise<Draft>;
  /** The drafts that came from a draft and that the viewer may read, newest first. @throws InvalidInputError */
  childrenOf(viewer: Viewer, draftId: string, page: PageArgs): Promise<Page<Draft>>;
  /** The tokens of a draft's text from a position on, as far as its log has them, at most `first`. @throws InvalidInputError */
  tokensOf(draft: Draft, page: { from: number; first: number }): Promise<PlacedToken[]>;
  /** Ends generation within one token and keeps the text. A finished draft is not changed. */
  cancel(viewer: Viewer, draftId: string): Promise<Draft>;
  /**
   * Changes a draft's title and visibility, or the text of one that has ended. Repeating one of its keys changes
   * nothing.
   * @throws ConflictError while it is being written; RevisionConflictError; IdempotencyConflictError
   */
  update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft>;
  delete(viewer: Viewer, draftId: string): Promise<void>;
  /**
   * Keeps one draft of a group and deletes the others. A draft that is alone is not changed.
   * @throws NotFoundError if another was chosen at the same moment; ForbiddenError
   */
  choose(viewer: Viewer, draftId: string): Promise<Draft>;
  /** The groups with those of their drafts that the viewer may read. Groups without any are absent. */
  groupsByIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, DraftGroup>>;
  /** Deletes all drafts of a listener. Those being written are cancelled first, on any node. @returns their number */
  deleteOf(listenerId: number): Promise<number>;
  /** All of a listener's drafts with everything that was written for them, as JSON for people, read as it is taken. */
  everythingOf(listenerId: number): AsyncIterable<object>;
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
  /**
   * The events of all drafts of a group, as `follow` has those of one.
   * @throws NotFoundError; InvalidInputError for a cursor of another group
   */
  followGroup(
    viewer: Viewer,
    groupId: string,
    after: string | null,
    time?: FollowTime,
  ): AsyncIterableIterator<GroupEvent>;
  /** From now on, takes up drafts that were waiting or being written when a process ended. */
  recover(): void;
  /** Reduces drafts that ended before this time to their text, at most `limit`. @returns their number */
  compact(before: Date, limit: number): Promise<number>;
  /** Deletes drafts that ended, and were last changed, before this time, the earliest first. @returns how many there were, at most `limit` */
  deleteFinished(before: Date, limit: number): Promise<number>;
}

export const noSuchGroup = (id: string): NotFoundError =>
  new NotFoundError('There is no such group of drafts, or none of them is shared with you', id);

export const noSuchDraft = (id: string): NotFoundError =>
  new NotFoundError('There is no such draft, or it is not shared with you', id);
