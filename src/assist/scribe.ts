import { selectAssists } from '../db/documents/assist-queries.ts';
import { Bell } from '../lib/async/bell.ts';
import { onEach } from '../lib/async/wakeups.ts';
import { ConflictError, ForbiddenError, NotFoundError } from '../lib/errors.ts';
import type { AssistReason } from './contract.ts';
import { type DraftsEnd, DraftText, endOfAll } from './draft-text.ts';
import { Proposing } from './proposing.ts';
import { ShownTail } from './shown-tail.ts';
import { type AssistWork, OverError, patiently, type WorkOptions } from './work.ts';
import { Writing } from './writing.ts';

export interface ScribeOptions extends Omit<WorkOptions, 'signal'> {
  /** What readers call the model. */
  name: string;
}

/** Who asked for it has become another listener, who goes on. */
class MovedError extends Error {}

/**
 * Carries drafts into a document, as far as they are written, until all are at their end. What it does next follows from
 * the drafts' logs and the document's: whoever takes it over repeats nothing and leaves nothing out ([ASSIST2]).
 */
export class Scribe {
  readonly #options: ScribeOptions;
  readonly #signal: AbortSignal;
  readonly #bell = new Bell();
  readonly #drafts: readonly DraftText[];
  readonly #work: AssistWork;

  constructor(options: ScribeOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { assist } = options;
    this.#drafts = assist.draftIds.map((id) => new DraftText(id));
    this.#work =
      assist.asked.mode === 'SUGGEST' ? new Proposing({ ...options, signal }) : new Writing({ ...options, signal });
  }

  /** @returns when the assist has ended, the signal aborts, or it is to go on as another listener */
  async run(): Promise<'ended' | 'moved'> {
    const { documents, assist, clock, name } = this.#options;
    await using tail = new ShownTail({ documents, clock, assist, name });
    await using _ = this.#work;
    void onEach(documents.changes(assist.documentId, this.#signal), () => this.#bell.ring());
    for (const draft of this.#drafts) void this.#follow(draft);
    try {
      while (!this.#signal.aborted) {
        const seen = this.#bell.rings;
        if (await this.#step(tail)) return 'ended';
        await this.#bell.rung(seen, this.#signal);
      }
    } catch (error) {
      if (this.#signal.aborted || error instanceof OverError) return 'ended';
      if (error instanceof MovedError || (await this.#hasMoved())) return 'moved';
      await this.#giveUp(reasonOf(error), error);
    }
    return 'ended';
  }

  /** Everything of a visitor becomes an account's at once ([VISIT3]). */
  async #hasMoved(): Promise<boolean> {
    const { database, assist } = this.#options;
    const [now] = await selectAssists(database, [assist.id]);
    return now !== undefined && now.listenerId !== assist.listenerId;
  }

  async #follow(draft: DraftText): Promise<void> {
    const { drafts, viewer, assist, logger } = this.#options;
    const patience = { assist, logger, signal: this.#signal };
    try {
      await patiently(patience, 'a draft for a document cannot be read', () =>
        draft.follow(drafts, viewer, this.#signal, () => this.#bell.ring()),
      );
    } catch (error) {
      if (this.#signal.aborted) return;
      draft.end ??= 'MODEL_FAILED';
      this.#bell.ring();
      logger.warn({ err: error }, 'a draft for a document cannot be read');
    }
  }

  /** @returns whether it has ended */
  async #step(tail: ShownTail): Promise<boolean> {
    const end = endOfAll(this.#drafts);
    if (end !== null) return this.#end(end);
    const shown = await this.#work.goOn(this.#drafts);
    if (shown === null) return this.#end('RANGE_DELETED');
    tail.set(shown.caret, shown.tail);
    return false;
  }

  async #end(how: DraftsEnd): Promise<true> {
    if (how === 'whole') return (await this.#work.finish(this.#drafts)) || this.#end('RANGE_DELETED');
    if (how === 'RANGE_DELETED') await this.#cancelDrafts();
    if (how === 'DRAFT_DELETED' && (await this.#hasMoved())) throw new MovedError();
    await this.#work.leave(how);
    return true;
  }

  /** Without another word. */
  async #giveUp(reason: AssistReason, error: unknown): Promise<void> {
    const { assist, logger } = this.#options;
    logger.info({ err: error, assist: assist.id }, 'a model writes no further into a document');
    await this.#cancelDrafts();
    await this.#work.abandon(reason);
  }

  async #cancelDrafts(): Promise<void> {
    const { drafts, viewer } = this.#options;
    for (const { draftId } of this.#drafts) await drafts.cancel(viewer, draftId).catch(() => undefined);
  }
}

function reasonOf(error: unknown): AssistReason {
  if (error instanceof ForbiddenError) return 'FORBIDDEN';
  if (error instanceof ConflictError) return 'DOCUMENT_FULL';
  return error instanceof NotFoundError ? 'FORBIDDEN' : 'MODEL_FAILED';
}
