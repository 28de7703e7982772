import type { DeltaPiece, EncodedRange } from '../documents/documents.ts';
import type { DraftFormInput, DraftKind, RewriteTone, SamplingInput, TuneDraftInput } from '../drafts/drafts.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { ChatMessage, Sampling } from '../ml/engine.ts';

/** What a model is asked to do in a document. */
type AssistTask = 'CONTINUE' | 'REWRITE' | 'TUNE';

/** Whether a model writes into the text, or suggests what it writes. */
type AssistMode = 'WRITE' | 'SUGGEST';

export type AssistStatus = 'WRITING' | 'WRITTEN' | 'STOPPED' | 'FAILED';

/** Why an assist has ended without being whole. */
export type AssistReason =
  | 'RANGE_DELETED'
  | 'CANCELLED'
  /** Who asked for it may not write any more. */
  | 'FORBIDDEN'
  | 'DOCUMENT_FULL'
  | 'MODEL_FAILED'
  | 'DRAFT_DELETED';

export interface AssistInput {
  documentId: string;
  /** Null: the end of the text. */
  range?: EncodedRange | null;
  task: AssistTask;
  /** WRITE by default. */
  mode?: AssistMode | null;
  /** Number of texts to suggest, each with a seed of its own; 1 by default. */
  alternatives?: number | null;
  instruction?: string | null;
  tone?: RewriteTone | null;
  kind?: DraftKind | null;
  modelId?: string | null;
  sampling?: SamplingInput | null;
  form?: DraftFormInput | null;
  tune?: TuneDraftInput | null;
  idempotencyKey?: string | null;
}

/** What was asked for, of whom and where, as it is stored. Bytes are in Base64. */
export interface AskedFor {
  task: AssistTask;
  mode: AssistMode;
  instruction: string | null;
  tone: RewriteTone | null;
  modelId: string;
  /** Of the model's files. Null if it was not known. */
  digest: string | null;
  /** One for each draft. */
  samplings: readonly Sampling[];
  /** What the model was given. */
  messages: readonly ChatMessage[];
  before: string;
  passage: string;
  after: string;
  delta: readonly DeltaPiece[];
  /** As it was sent. Null: the end of the text. */
  range: { start: string; end: string } | null;
  place: string;
  removal: string | null;
  /** The document's version in which the range was meant. */
  cursor: string;
  stateVector: string;
  /** Whether who asked for it may write into every document. */
  asAdmin: boolean;
}

/** What a model writes into a document, or has written, and all by which it can be told again. */
export interface Assist {
  id: string;
  documentId: string;
  /** Who asked for it. */
  listenerId: number;
  draftIds: readonly string[];
  status: AssistStatus;
  reason: AssistReason | null;
  /** The Yjs client that writes. */
  clientId: number;
  asked: AskedFor;
  createdAt: Date;
  endedAt: Date | null;
  undoneAt: Date | null;
  undoneBy: number | null;
}

/** Models that write into documents beside people. */
export interface Assists extends AsyncDisposable {
  /**
   * Begins to write. Repeating an idempotency key returns the first.
   * @throws NotFoundError, ForbiddenError, InvalidInputError; and as starting a draft
   */
  start(viewer: Viewer, input: AssistInput): Promise<Assist>;
  /** Ends the writing within one token and keeps what is written; a passage stays as it was. @throws as `undo` */
  cancel(viewer: Viewer, id: string): Promise<Assist>;
  /**
   * Takes back what the model has written, and nothing else.
   * @throws NotFoundError, ForbiddenError; ConflictError while it is written, or if it was taken back before
   */
  undo(viewer: Viewer, id: string): Promise<Assist>;
  /** Null if there is none, or its document is not shared with the viewer. */
  byId(viewer: Viewer, id: string): Promise<Assist | null>;
  /** Newest first. @throws InvalidInputError */
  of(documentId: string, page: PageArgs): Promise<Page<Assist>>;
  /** What a listener has asked of models in documents, each as JSON for people. */
  everythingOf(listenerId: number): AsyncIterable<object>;
  /** From now on, this process writes what models have written into documents. */
  recover(): void;
}

export const noSuchAssist = (id: string): NotFoundError =>
  new NotFoundError('There is no such assist, or its document is not shared with you', id);
