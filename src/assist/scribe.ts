import type { Database } from '../db/client.ts';
import { endAssist, selectAssists } from '../db/documents/assist-queries.ts';
import { explainFailure } from '../db/failures.ts';
import type { DocumentPeer, Documents } from '../documents/documents.ts';
import type { Drafts } from '../drafts/drafts.ts';
import { Bell } from '../lib/async/bell.ts';
import { retry } from '../lib/async/retry.ts';
import { onEach } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import {
  ConflictError,
  DiskFullError,
  ForbiddenError,
  NotFoundError,
  OverloadedError,
  ServiceUnavailableError,
} from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Viewer } from '../listeners/listeners.ts';
import { fromBase64 } from './asked-for.ts';
import type { Assist, AssistReason } from './contract.ts';
import { DraftText } from './draft-text.ts';
import { placedText } from './placed-text.ts';
import { ShownTail } from './shown-tail.ts';

const BACKOFF = { firstMs: 100, longestMs: 2_000 };

export interface ScribeOptions {
  database: Database;
  documents: Documents;
  drafts: Drafts;
  clock: Clock;
  logger: Logger;
  assist: Assist;
  /** Who asked for it. */
  viewer: Viewer;
  /** What readers call the model. */
  name: string;
}

/** Another process has carried it to its end. */
class OverError extends Error {}

/** Who asked for it has become another listener, who goes on. */
class MovedError extends Error {}

/**
 * Writes a draft into a document, as far as it is written, until both are at their end. What it writes next follows from
 * the draft's log and the document's: whoever takes it over repeats nothing and leaves nothing out ([ASSIST2]).
 */
export class Scribe {
  readonly #options: ScribeOptions;
  readonly #signal: AbortSignal;
  readonly #bell = new Bell();
  readonly #draft: DraftText;
  readonly #peer: DocumentPeer;

  constructor(options: ScribeOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { assist, documents, viewer } = options;
    this.#draft = new DraftText(assist.draftIds[0] ?? '');
    this.#peer = documents.peer(viewer, assist.documentId);
  }

  /** @returns when the assist has ended, the signal aborts, or it is to go on as another listener */
  async run(): Promise<'ended' | 'moved'> {
    const { documents, assist, clock, name, logger } = this.#options;
    await using tail = new ShownTail({ documents, clock, assist, name });
    await using _ = this.#peer;
    void onEach(documents.changes(assist.documentId, this.#signal), () => this.#bell.ring());
    void this.#follow().catch((error: unknown) => logger.warn({ err: error }, 'a draft for a document cannot be read'));
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

  async #follow(): Promise<void> {
    const { drafts, viewer, assist, logger } = this.#options;
    try {
      await retry(() => this.#draft.follow(drafts, viewer, this.#signal, () => this.#bell.ring()), {
        backoff: BACKOFF,
        signal: this.#signal,
        onFailure: (error) => {
          if (!mayPass(error)) throw error;
          logger.warn({ err: error, assist: assist.id }, 'a draft for a document cannot be read; trying again');
        },
      });
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#draft.end ??= 'MODEL_FAILED';
      this.#bell.ring();
      throw error;
    }
  }

  /** @returns whether it has ended */
  async #step(tail: ShownTail): Promise<boolean> {
    const { asked } = this.#options.assist;
    const { text, end } = this.#draft;
    if (end !== null) return this.#end(end);
    const placed = placedText(asked, text, false);
    const { isGone, caret } = await this.#write({ text: placed, also: null, always: false });
    if (isGone) return this.#end('RANGE_DELETED');
    tail.set(caret, placedText(asked, text, true).slice(placed.length));
    return false;
  }

  /** A passage that was not written anew whole stays, and what was written of it does not. */
  async #end(how: 'whole' | AssistReason): Promise<true> {
    const { asked } = this.#options.assist;
    const text = placedText(asked, this.#draft.text, true);
    const replaces = asked.task === 'REWRITE' && asked.removal !== null;
    if (how === 'whole' && text !== '') {
      const also = replaces ? 'remove' : null;
      const { isGone } = await this.#write({ text, also, always: false }, how);
      return isGone ? this.#end('RANGE_DELETED') : true;
    }
    if (how === 'RANGE_DELETED') await this.#cancelDraft();
    if (how === 'DRAFT_DELETED' && (await this.#hasMoved())) throw new MovedError();
    const reason = how === 'whole' ? 'MODEL_FAILED' : how;
    await this.#write({ text: '', also: replaces ? 'takeBack' : null, always: true }, reason);
    return true;
  }

  /** @param end stored with it, if it is the end */
  #write(what: { text: string; also: 'remove' | 'takeBack' | null; always: boolean }, end?: 'whole' | AssistReason) {
    const { assist, logger } = this.#options;
    return retry(() => this.#peer.write({ ...placeOf(assist), ...what }, end && ((tx) => this.#store(tx, end))), {
      backoff: BACKOFF,
      signal: this.#signal,
      onFailure: (error) => {
        if (!mayPass(error)) throw error;
        logger.warn({ err: error, assist: assist.id }, 'a document cannot be written; trying again');
      },
    });
  }

  async #store(sql: Parameters<typeof endAssist>[0], end: 'whole' | AssistReason): Promise<void> {
    const { assist, clock } = this.#options;
    const ended = { ...endAs(end), at: new Date(clock.now()) };
    if (!(await endAssist(sql, assist.id, ended))) throw new OverError();
  }

  /** Without another word. Half of a passage must not stay, even if who asked for it may write no more. */
  async #giveUp(reason: AssistReason, error: unknown): Promise<void> {
    const { database, documents, assist, viewer, logger } = this.#options;
    logger.info({ err: error, assist: assist.id }, 'a model writes no further into a document');
    await this.#cancelDraft();
    await using own = documents.peer({ ...viewer, roles: new Set(['ADMIN']) }, assist.documentId);
    const also = assist.asked.task === 'REWRITE' && assist.asked.removal !== null ? 'takeBack' : null;
    const nothing = { ...placeOf(assist), text: '', also, always: true } as const;
    await own
      .write(nothing, (tx) => this.#store(tx, reason))
      .catch(() => this.#store(database.sql, reason).catch(() => undefined));
  }

  async #cancelDraft(): Promise<void> {
    const { drafts, viewer } = this.#options;
    await drafts.cancel(viewer, this.#draft.draftId).catch(() => undefined);
  }
}

function placeOf({ clientId, asked: { place, removal } }: Assist) {
  return { client: clientId, place: fromBase64(place), removal: removal === null ? null : fromBase64(removal) };
}

function mayPass(failure: unknown): boolean {
  const error = explainFailure(failure);
  return error instanceof ServiceUnavailableError || error instanceof OverloadedError || error instanceof DiskFullError;
}

function reasonOf(error: unknown): AssistReason {
  if (error instanceof ForbiddenError) return 'FORBIDDEN';
  if (error instanceof ConflictError) return 'DOCUMENT_FULL';
  return error instanceof NotFoundError ? 'FORBIDDEN' : 'MODEL_FAILED';
}

function endAs(end: 'whole' | AssistReason) {
  if (end === 'whole') return { status: 'WRITTEN', reason: null } as const;
  if (end === 'MODEL_FAILED') return { status: 'FAILED', reason: end } as const;
  return { status: 'STOPPED', reason: end } as const;
}
