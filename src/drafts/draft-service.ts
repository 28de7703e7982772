import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import * as queries from '../db/draft-queries.ts';
import type { Clock } from '../lib/clock.ts';
import { indexBy } from '../lib/collections.ts';
import {
  ConflictError,
  ForbiddenError,
  InvalidInputError,
  ModelUnavailableError,
  OverloadedError,
} from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, decodeCursor, encodeCursor, keyPart, pageOf, type Page } from '../lib/page.ts';
import { abortable } from '../lib/streams.ts';
import { checkText } from '../lib/text.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { may, type Viewer } from '../listeners/listeners.ts';
import type { Engine, GenerationRequest, Sampling, Ticket, Usage } from '../ml/engine.ts';
import { checkInstruction, checkPrompt, checkTitle, resolveSampling, titleFrom } from './draft-input.ts';
import { draftKey, DraftLog, type Fence } from './draft-log.ts';
import { statusEntry, writeDraft } from './draft-writer.ts';
import type { ContinueDraftInput, Draft, DraftEvent, Drafts, StartDraftInput, UpdateDraftInput } from './drafts.ts';
import { followDraft, noSuchDraft, rightsKey } from './follow.ts';
import { isTerminal, logTokens, tokenIds, type LogEntry, type LogEvent } from './log-events.ts';
import { conversationOf, type Round } from './prompts.ts';

export interface DraftsOptions {
  database: Database;
  engine: Engine;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** Draws seeds: a float in [0, 1). */
  random?: () => number;
}

/** One round of a draft as its row keeps it. */
interface Turn {
  instruction: string | null;
  sampling: Sampling;
  /** The log's position when the round began: its tokens come after. */
  from: number;
  /** Usage of the rounds before. */
  before: Usage;
}

const UNUSED: Usage = { promptTokens: 0, completionTokens: 0, timeToFirstTokenMs: null, tokensPerSecond: null };
const SEPARATOR = '\n\n';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function createDrafts(options: DraftsOptions): Drafts {
  return new DraftService(options);
}

class DraftService implements Drafts {
  readonly #database: Database;
  readonly #engine: Engine;
  readonly #wakeups: Wakeups;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #log: DraftLog;
  readonly #shutdown = new AbortController();
  /** The rounds being written in this process. */
  readonly #running = new Map<string, { cancel: AbortController; done: Promise<void> }>();

  constructor({ database, engine, wakeups, clock, log, random = () => randomInt(2 ** 32) / 2 ** 32 }: DraftsOptions) {
    this.#database = database;
    this.#engine = engine;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#logger = log;
    this.#random = random;
    this.#log = new DraftLog(database, wakeups, clock, log);
  }

  async start(viewer: Viewer, input: StartDraftInput): Promise<Draft> {
    const prompt = checkPrompt(input.prompt);
    const title = input.title == null ? titleFrom(prompt) : checkTitle(input.title);
    const sampling = resolveSampling(input.sampling, this.#random);
    const key =
      input.idempotencyKey == null ? null : checkText(input.idempotencyKey, 'input.idempotencyKey', { max: 200 });
    const repeated = key === null ? null : await queries.selectDraftByKey(this.#database.db, viewer.listener.id, key);
    if (repeated) return toDraft(repeated);
    const modelId = this.#chooseModel(input);
    const turn: Turn = { instruction: null, sampling, from: 1, before: UNUSED };
    const request = { ...conversationOf(input.kind, prompt, [{ instruction: null, text: '' }]), sampling };
    return this.#withTicket(modelId, request, async (ticket) => {
      const id = randomUUID();
      const made = await queries.insertDraft(this.#database.db, {
        ...{
          id,
          listenerId: viewer.listener.id,
          kind: input.kind,
          title,
          prompt,
          visibility: input.visibility ?? 'PRIVATE',
        },
        ...{ modelId, sampling, turns: [turn], usage: UNUSED, idempotencyKey: key, at: new Date(this.#clock.now()) },
        event: statusEntry('QUEUED', null, UNUSED).event,
      });
      const first =
        made || key === null ? null : await queries.selectDraftByKey(this.#database.db, viewer.listener.id, key);
      if (first) return { draft: toDraft(first), started: false };
      this.#write(ticket, { draftId: id, epoch: 1, sequence: 1 }, request, UNUSED);
      return { draft: await this.#load(viewer, id), started: true };
    });
  }

  async continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft> {
    const row = await this.#own(viewer, input.draftId);
    const instruction = checkInstruction(input.instruction);
    if (!isTerminal(row.status))
      throw new ConflictError('The draft is still being written; cancel it or wait for its end');
    const sampling = resolveSampling(input.sampling, this.#random);
    const turn: Turn = { instruction, sampling, from: row.sequence, before: row.usage as Usage };
    const turns = [...(row.turns as Turn[]), turn];
    const entries = await this.#log.readAll(row.id, 0);
    const request = { ...conversationOf(row.kind, row.prompt, roundsOf(turns, entries)), sampling };
    return this.#withTicket(row.modelId, request, async (ticket) => {
      const raised = await queries.raiseEpoch(this.#database.db, row.id);
      if (!raised) throw noSuchDraft(row.id);
      const { event, set } = statusEntry('QUEUED', null, turn.before);
      const separator = instruction !== null && raised.text !== '' ? [logTokens(SEPARATOR, [])] : [];
      const fence = { draftId: row.id, epoch: raised.epoch, sequence: row.sequence };
      const moved = await this.#log.append(fence, [event, ...separator], { ...set, turns }, this.#shutdown.signal);
      if (!moved) throw new ConflictError('The draft was continued by somebody else at the same moment');
      this.#write(ticket, moved, request, turn.before);
      return { draft: await this.#load(viewer, row.id), started: true };
    });
  }

  async cancel(viewer: Viewer, draftId: string): Promise<Draft> {
    const row = await this.#own(viewer, draftId);
    if (!isTerminal(row.status)) await this.#end(row);
    return this.#load(viewer, draftId);
  }

  async update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft> {
    const row = await this.#own(viewer, input.draftId);
    const set = {
      ...(input.title != null && { title: checkTitle(input.title) }),
      ...(input.visibility != null && { visibility: input.visibility }),
    };
    await queries.updateDraft(this.#database.db, row.id, set, new Date(this.#clock.now()));
    if (set.visibility && set.visibility !== row.visibility) this.#wakeRights(row.id);
    return this.#load(viewer, row.id);
  }

  async delete(viewer: Viewer, draftId: string): Promise<void> {
    const row = await this.#own(viewer, draftId);
    if (!isTerminal(row.status)) await this.#end(row);
    await queries.deleteDraft(this.#database.db, row.id);
    this.#log.forget(row.id);
    this.#wakeRights(row.id);
  }

  async byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Draft>> {
    const valid = ids.filter((id) => UUID.test(id));
    const rows = valid.length ? await queries.selectDrafts(this.#database.db, valid) : [];
    return indexBy(rows.filter((row) => mayRead(viewer, row)).map(toDraft), (draft) => draft.id);
  }

  async ofListener(
    viewer: Viewer,
    listenerId: number,
    { first, after }: Parameters<Drafts['ofListener']>[2],
  ): Promise<Page<Draft>> {
    checkFirst(first);
    const list = `drafts:${listenerId}`;
    const sharedOnly = viewer.listener.id !== listenerId && !may(viewer, 'ADMIN');
    const page = { sharedOnly, after: after == null ? null : parsePageKey(after, list), limit: first + 1 };
    const rows = await queries.selectDraftPage(this.#database.db, listenerId, page);
    const total = () => queries.countDrafts(this.#database.db, listenerId, sharedOnly);
    return pageOf(
      rows.map(toDraft),
      list,
      { first, after: after ?? null },
      (draft) => [draft.createdAt.getTime(), draft.id],
      total,
    );
  }

  cursorOf(draft: Draft): string {
    return eventCursor(draft.id, draft.sequence);
  }

  follow(
    viewer: Viewer,
    draftId: string,
    after: string | null,
    signal: AbortSignal,
  ): AsyncIterableIterator<DraftEvent> {
    return abortable(signal, (inner) => this.#follow(viewer, draftId, after, inner));
  }

  async *#follow(
    viewer: Viewer,
    draftId: string,
    after: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<DraftEvent, void> {
    const draft = await this.#load(viewer, draftId);
    yield* followDraft({
      log: this.#log,
      wakeups: this.#wakeups,
      draftId,
      after: after === null ? null : positionOf(after, draft),
      load: () => this.#load(viewer, draftId),
      cursorAt: (sequence) => eventCursor(draftId, sequence),
      signal,
    });
  }

  async recover(): Promise<void> {
    const ids = await queries.selectUnfinished(this.#database.db);
    if (ids.length > 0) this.#logger.info({ drafts: ids.length }, 'taking up drafts that were being written');
    for (const id of ids) this.#track(id, (cancel) => this.#takeUp(id, cancel));
  }

  /** Leaves what is being written where it is recorded, for the next start to take up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #chooseModel({ kind, modelId }: StartDraftInput): string {
    const task = kind === 'TUNE' ? 'TUNE_GENERATION' : 'TEXT_GENERATION';
    const model =
      modelId == null ? this.#engine.defaultModel(task) : this.#engine.models().find(({ id }) => id === modelId);
    if (!model && modelId != null)
      throw new InvalidInputError(`input.modelId: there is no model "${modelId}"`, 'input.modelId');
    if (!model) throw new ModelUnavailableError(`There is no model that writes a ${kind} yet`);
    if (model.task === task) return model.id;
    throw new InvalidInputError(`input.modelId: ${model.name} does not write a ${kind}`, 'input.modelId');
  }

  /** A place in the queue, given back when nothing comes of it: nothing is written before the engine has said yes. */
  async #withTicket(
    modelId: string,
    request: GenerationRequest,
    begin: (ticket: Ticket) => Promise<{ draft: Draft; started: boolean }>,
  ): Promise<Draft> {
    const ticket = this.#engine.admit(modelId);
    try {
      this.#engine.checkFits(modelId, request);
      const { draft, started } = await begin(ticket);
      if (!started) ticket[Symbol.dispose]();
      return draft;
    } catch (error) {
      ticket[Symbol.dispose]();
      throw error;
    }
  }

  #write(ticket: Ticket, fence: Fence, request: GenerationRequest, before: Usage): void {
    this.#track(fence.draftId, async (cancel) => {
      const { signal: shutdown } = this.#shutdown;
      await writeDraft(ticket, {
        log: this.#log,
        logger: this.#logger,
        fence,
        request,
        before,
        cancel: cancel.signal,
        shutdown,
      });
    });
  }

  #track(draftId: string, write: (cancel: AbortController) => Promise<void>): void {
    const cancel = new AbortController();
    const done = write(cancel)
      .catch((error: unknown) => {
        if (!this.#shutdown.signal.aborted)
          this.#logger.error({ err: error, draft: draftId }, 'a draft could not be written');
      })
      .finally(() => {
        if (this.#running.get(draftId)?.cancel !== cancel) return;
        this.#running.delete(draftId);
        this.#log.forget(draftId);
      });
    this.#running.set(draftId, { cancel, done });
  }

  /** Goes on where the log ends: recorded tokens are decoded again, never sampled again ([LOG5]). */
  async #takeUp(draftId: string, cancel: AbortController): Promise<void> {
    const signal = AbortSignal.any([cancel.signal, this.#shutdown.signal]);
    const row = await queries.raiseEpoch(this.#database.db, draftId);
    const turns = row?.turns as Turn[] | undefined;
    const turn = turns?.at(-1);
    if (!row || !turns || !turn || isTerminal(row.status)) return;
    await this.#engine.whenReady(row.modelId, signal);
    const entries = await this.#log.readAll(draftId, 0);
    const { messages, continueLast } = conversationOf(row.kind, row.prompt, roundsOf(turns, entries));
    const replay = tokenIds(entries.filter((entry) => entry.sequence > turn.from));
    const request = { messages, continueLast, sampling: turn.sampling, replay };
    const ticket = await this.#admitWhenFree(row.modelId, signal);
    const fence = { draftId, epoch: row.epoch, sequence: row.sequence };
    const { signal: shutdown } = this.#shutdown;
    await writeDraft(ticket, {
      log: this.#log,
      logger: this.#logger,
      fence,
      request,
      before: turn.before,
      cancel: cancel.signal,
      shutdown,
    });
  }

  async #admitWhenFree(modelId: string, signal: AbortSignal): Promise<Ticket> {
    for (;;) {
      try {
        return this.#engine.admit(modelId);
      } catch (error) {
        if (!(error instanceof OverloadedError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
        signal.throwIfAborted();
      }
    }
  }

  /** Ends a draft that is being written, here or by a process that is gone. */
  async #end(row: queries.DraftRow): Promise<void> {
    const running = this.#running.get(row.id);
    running?.cancel.abort();
    await running?.done;
    const raised = await queries.raiseEpoch(this.#database.db, row.id);
    if (!raised || isTerminal(raised.status)) return;
    const { event, set } = statusEntry('CANCELLED', 'CANCELLED', raised.usage as Usage);
    const fence = { draftId: row.id, epoch: raised.epoch, sequence: raised.sequence };
    await this.#log.append(fence, [event], set, this.#shutdown.signal);
    this.#log.forget(row.id);
  }

  #wakeRights(draftId: string): void {
    this.#wakeups.wake(rightsKey(draftId));
    this.#wakeups.wake(draftKey(draftId));
  }

  async #load(viewer: Viewer, id: string): Promise<Draft> {
    const draft = (await this.byIds(viewer, [id])).get(id);
    if (!draft) throw noSuchDraft(id);
    return draft;
  }

  /** The draft when the viewer may change it. */
  async #own(viewer: Viewer, id: string): Promise<queries.DraftRow> {
    const [row] = UUID.test(id) ? await queries.selectDrafts(this.#database.db, [id]) : [];
    if (!row || !mayRead(viewer, row)) throw noSuchDraft(id);
    if (row.listenerId === viewer.listener.id || may(viewer, 'ADMIN')) return row;
    throw new ForbiddenError('The draft is shared for reading; only its owner may change it');
  }
}

function mayRead(viewer: Viewer, row: queries.DraftRow): boolean {
  return row.listenerId === viewer.listener.id || row.visibility === 'SHARED' || may(viewer, 'ADMIN');
}

function toDraft({ turns: _, epoch: __, sampling, usage, ...row }: queries.DraftRow): Draft {
  return { ...row, sampling: sampling as Sampling, usage: usage as Usage };
}

/** The rounds with what was written in each, the separator before a round not being part of it. */
function roundsOf(turns: readonly Turn[], entries: readonly LogEntry[]): Round[] {
  return turns.map(({ instruction, from }, i) => {
    const until = turns[i + 1]?.from ?? Infinity;
    const own = entries.filter(({ sequence, event }) => sequence > from && sequence <= until && hasTokens(event));
    return { instruction, text: own.map(({ event }) => (event.type === 'tokens' ? event.text : '')).join('') };
  });
}

const hasTokens = (event: LogEvent): boolean => event.type === 'tokens' && event.tokens.length > 0;

const logOf = (draftId: string): string => `draft:${draftId}`;
const eventCursor = (draftId: string, sequence: number): string => encodeCursor(logOf(draftId), [sequence]);

function positionOf(cursor: string, draft: Draft): number {
  const [sequence] = decodeCursor(cursor, logOf(draft.id), [keyPart.integer]);
  if (sequence >= 0 && sequence <= draft.sequence) return sequence;
  throw new InvalidInputError('after is not a cursor of this draft', 'after');
}

function parsePageKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
