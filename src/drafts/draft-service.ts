import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import * as queries from '../db/queries/draft-queries.ts';
import { checkListenerHasRoom, checkQueueHasRoom } from '../db/queries/draft-queue.ts';
import { KeyedQueue } from '../lib/async/keyed-queue.ts';
import type { PollableIterator } from '../lib/async/streams.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { indexBy } from '../lib/collections.ts';
import {
  ConflictError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  ModelUnavailableError,
  RevisionConflictError,
} from '../lib/errors.ts';
import type { Forecast } from '../lib/fair-share.ts';
import type { Logger } from '../lib/log.ts';
import type { Page } from '../lib/page.ts';
import { may, unlessErased, type Viewer } from '../listeners/listeners.ts';
import type { Engine, Sampling } from '../ml/engine.ts';
import type { TuneTask } from '../tunes/tunes.ts';
import type {
  ContinueDraftInput,
  Draft,
  DraftEvent,
  DraftQuery,
  Drafts,
  FollowTime,
  StartDraftInput,
  UpdateDraftInput,
} from './contract.ts';
import { noSuchDraft } from './contract.ts';
import {
  checkInstruction,
  checkKey,
  checkPosition,
  checkPrompt,
  checkRevision,
  checkTitle,
  checkUpdate,
  type DraftDescription,
  inputDigest,
  positionIn,
  resolveSampling,
  type TextInput,
  titleFrom,
} from './draft-input.ts';
import { DraftLists } from './draft-lists.ts';
import { eventCursor } from './log/draft-cursor.ts';
import { DraftLog } from './log/draft-log.ts';
import { isTerminal, type Repetition } from './log/log-events.ts';
import type { Fence, LogStore } from './log/log-store.ts';
import { PostgresLog } from './log/postgres-log.ts';
import { type DraftRecord, draftRecord, lastTurn, toDraft, type Turn, type TurnVerse } from './log/stored.ts';
import type { Node } from './nodes/membership.ts';
import { PostgresOwnership } from './nodes/ownership.ts';
import { DraftTails } from './readers/draft-reader.ts';
import { TailPoller } from './readers/tail-poller.ts';
import { joined, keptPassages, type Replacement } from './text/passages.ts';
import { replacementBetween } from './text/replacement.ts';
import { continuedTune, tuneSampling, tuneTaskOf } from './tune-draft.ts';
import { type Backlog, DraftTurns, type TurnStart } from './turns/draft-turns.ts';
import { noUsage } from './turns/draft-writer.ts';
import { type Conversation, conversationOf } from './turns/prompts.ts';
import { nextTurn, opening, positionAfter, writtenTurns } from './turns/turn-events.ts';
import { requestOf } from './turns/turn-request.ts';
import { checkForm, continueVerse, startVerse, verseSampling } from './turns/verse-turn.ts';
import { draftKey, rightsKey } from './wakeup-keys.ts';

export interface DraftsOptions {
  database: Database;
  engine: Engine;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** Draws seeds: a float in [0, 1). */
  random?: () => number;
  /** The storage of the logs; the database by default. */
  store?: LogStore;
  /** This process among the nodes of the database. By default it is the only one. */
  node?: Node;
  /** Set if this process leaves the writing to other nodes. */
  backlog?: Backlog | null;
  /** Maximum number of a listener's drafts that wait or are being written. */
  mostAtOnce?: number;
}

const DELETED_AT_ONCE = 20;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function createDrafts(options: DraftsOptions): Drafts {
  return new DraftService(options);
}

class DraftService implements Drafts {
  readonly #database: Database;
  readonly #engine: Engine;
  readonly #wakeups: Wakeups;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: DraftLog;
  readonly #turns: DraftTurns;
  readonly #mostAtOnce: number;
  readonly #tails: DraftTails;
  readonly #changing = new KeyedQueue<string>();
  readonly #lists: DraftLists;

  constructor(options: DraftsOptions) {
    const { database, engine, wakeups, clock, log: logger } = options;
    const { random = () => randomInt(2 ** 32) / 2 ** 32, store = new PostgresLog(database) } = options;
    const { node = { id: randomUUID() }, backlog = null } = options;
    this.#mostAtOnce = options.mostAtOnce ?? Infinity;
    this.#database = database;
    this.#engine = engine;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#random = random;
    this.#log = new DraftLog({ store, wakeups, clock, log: logger });
    this.#lists = new DraftLists(database, this.#log);
    const ownership = new PostgresOwnership(database);
    this.#turns = new DraftTurns({ ownership, engine, log: this.#log, wakeups, logger, node, backlog });
    this.#tails = new DraftTails({
      read: ({ draftId, after, limit, epoch }) => this.#log.read(draftId, after, limit, epoch),
      news: new TailPoller((wanted) => this.#log.news(wanted), logger),
      summaryOf: (draftId) => this.#log.summaryOf(draftId),
      ...{ wakeups, logger },
    });
  }

  async start(viewer: Viewer, input: StartDraftInput): Promise<Draft> {
    const prompt = checkPrompt(input.prompt);
    const title = input.title == null ? titleFrom(prompt) : checkTitle(input.title);
    const drawn = resolveSampling(input.sampling, this.#random);
    const verse = await startVerse(input.form, { ...drawn, kind: input.kind });
    const asked = askedOf(input);
    const repeated = asked && (await this.#findByKey(viewer, asked));
    if (repeated) return repeated;
    const find = async (draftId: string) => (await this.byIds(viewer, [draftId])).get(draftId) ?? null;
    const tune = await tuneTaskOf(input, { seed: drawn.seed, title, find });
    const modelId = this.#chooseModel(input);
    const sampling = this.#sized(drawn, input, { modelId, tune, verse });
    const turn: Turn = {
      instruction: null,
      sampling,
      from: 1,
      before: noUsage,
      model: this.#digestOf(modelId),
      asked: null,
      at: null,
      verse,
      tune,
    };
    const asking = await requestOf({ kind: input.kind, prompt, turns: [turn] }, [{ instruction: null, text: '' }]);
    const request = { ...asking, listener: viewer.listener.id };
    const id = randomUUID();
    const forecast = this.#forecastOf(modelId);
    const { owner, queue: most } = this.#turns.assignment;
    const queue = most === null ? null : { most, forecast };
    const draft = {
      ...{ id, listenerId: viewer.listener.id, kind: input.kind, title, prompt },
      ...{ visibility: input.visibility ?? 'PRIVATE', modelId, sampling, turns: [turn], usage: noUsage },
      ...{ idempotencyKey: asked?.key ?? null, inputDigest: asked?.input ?? null },
      ...{ owner, queue, mostAtOnce: this.#mostAtOnce, forecast },
    };
    const begun = await this.#begin(id, { modelId, request, before: noUsage, at: null }, async () => {
      const made = await unlessErased(this.#log.create(draft, opening(turn, '')));
      return made ? { draftId: id, epoch: 1, sequence: 1 } : null;
    });
    const first = begun ? null : asked && (await this.#findByKey(viewer, asked));
    return first ?? this.#load(viewer, id);
  }

  /** One after the other for each draft, like changes of its text: each finds what the one before it has left. */
  continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft> {
    return this.#changing.run(input.draftId, () => this.#continue(viewer, input));
  }

  async #continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft> {
    const row = await this.#own(viewer, input.draftId);
    checkForm(input.form);
    const instruction = checkInstruction(input.instruction);
    const drawn = resolveSampling(input.sampling, this.#random);
    const [ifRevision, position] = [checkRevision(input.ifRevision), checkPosition(input)];
    const asked = askedOf(input);
    if (isRepeated(row, asked)) return this.#load(viewer, row.id);
    checkUnchanged(row, ifRevision);
    const at = positionIn(row.text, position);
    await this.#checkRoom(row);
    const model = this.#digestOf(row.modelId);
    const before = { ...row, ...(await this.#log.textBeforeTurn(row)) };
    const tune = continuedTune(before, { seed: drawn.seed, instruction, at });
    const place = { instruction, sampling: drawn, from: row.sequence, before: row.usage, model, asked, at };
    const plain: Turn = { ...place, verse: null, tune };
    const form = { ...drawn, kind: row.kind, before: at === null ? lastTurn(row).verse : null };
    const verse = await continueVerse(input, form, conversationAt(before, plain));
    const sampling = this.#sized(drawn, input, { modelId: row.modelId, tune, verse });
    const turn: Turn = { ...plain, verse, sampling };
    const { turns, kept } = nextTurn(before, turn);
    const asking = await requestOf({ ...row, turns }, writtenTurns({ turns, ...kept }));
    const request = { ...asking, listener: row.listenerId };
    const events = opening(turn, joined(keptPassages(kept).before));
    const start = { request, before: turn.before, at: positionAfter(turn, events) };
    const begun = await this.#begin(row.id, { modelId: row.modelId, ...start }, async () => {
      const fence = await this.#turns.claimEnded(row);
      return fence && this.#log.append(fence, { type: 'turn', events, turns, kept }, this.#turns.shutdown);
    });
    if (!begun && !isRepeated(await this.#own(viewer, row.id), asked)) {
      throw new ConflictError('The draft was continued or changed by another request at the same moment');
    }
    return this.#load(viewer, row.id);
  }

  async cancel(viewer: Viewer, draftId: string): Promise<Draft> {
    const row = await this.#own(viewer, draftId);
    if (!isTerminal(row.status)) await this.#turns.cancel(row.id);
    return this.#load(viewer, draftId);
  }

  async update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft> {
    const change = checkUpdate(input);
    if (change.type === 'description') return this.#describe(viewer, input.draftId, change.set);
    return this.#changing.run(input.draftId, () => this.#replaceText(viewer, change.input));
  }

  async #describe(viewer: Viewer, draftId: string, set: DraftDescription): Promise<Draft> {
    const row = await this.#own(viewer, draftId);
    await queries.updateDraftRow(this.#database.db, row.id, set, new Date(this.#clock.now()));
    if (set.visibility && set.visibility !== row.visibility) this.#wakeRights(row.id);
    return this.#load(viewer, row.id);
  }

  async #replaceText(viewer: Viewer, input: TextInput): Promise<Draft> {
    const asked = askedOf(input);
    for (;;) {
      const row = await this.#own(viewer, input.draftId);
      if (isRepeated(row, asked)) break;
      checkUnchanged(row, input.ifRevision);
      if (await this.#edit(row, replacementBetween(row.text, input.text), asked)) break;
    }
    return this.#load(viewer, input.draftId);
  }

  /** @returns false if somebody else claimed the draft meanwhile */
  async #edit(row: DraftRecord, replacement: Replacement | null, asked: Repetition | null): Promise<boolean> {
    if (!replacement) return true;
    const fence = await this.#turns.claimEnded(row);
    if (!fence) return false;
    const before = { ...row, ...(await this.#log.textBeforeTurn(row)) };
    const event = { type: 'edit', ...replacement, asked } as const;
    const made = await this.#log.append(fence, { type: 'edit', events: [event], before }, this.#turns.shutdown);
    this.#log.forget(row.id);
    return made !== null;
  }

  async delete(viewer: Viewer, draftId: string): Promise<void> {
    const row = await this.#own(viewer, draftId);
    await this.#remove(row);
  }

  async deleteOf(listenerId: number): Promise<number> {
    for (let deleted = 0; ;) {
      const rows = await queries.selectStatusesOf(this.#database.db, listenerId, DELETED_AT_ONCE);
      if (rows.length === 0) return deleted;
      await Promise.all(rows.map((row) => this.#remove(row)));
      deleted += rows.length;
    }
  }

  async #remove({ id, status }: Pick<queries.DraftRow, 'id' | 'status'>): Promise<void> {
    if (!isTerminal(status)) await this.#turns.cancel(id);
    await this.#log.remove(id);
    this.#wakeRights(id);
  }

  async byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Draft>> {
    const valid = ids.filter((id) => UUID.test(id));
    const rows = await this.#records(valid);
    return indexBy(rows.filter((row) => mayRead(viewer, row)).map(toDraft), (draft) => draft.id);
  }

  async ofListener(viewer: Viewer, listenerId: number, query: DraftQuery): Promise<Page<Draft>> {
    const sharedOnly = viewer.listener.id !== listenerId && !may(viewer, 'ADMIN');
    return this.#lists.of(listenerId, query, sharedOnly);
  }

  cursorOf(draft: Draft): string {
    const { id, sequence, lastEpoch: epoch } = draft;
    return eventCursor(id, { sequence, epoch });
  }

  follow(viewer: Viewer, draftId: string, after: string | null, time?: FollowTime): PollableIterator<DraftEvent> {
    return this.#tails.follow({
      draftId,
      after,
      mayRead: (summary) => mayRead(viewer, summary),
      load: () => this.#load(viewer, draftId),
      ...time,
    });
  }

  recover(): void {
    this.#turns.recover();
  }

  compact(before: Date, limit: number): Promise<number> {
    return this.#log.compact(before, limit);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#turns[Symbol.asyncDispose]();
  }

  /** Unless a number of tokens is asked for, a tune may have as many as its plan takes, and a verse as its form. */
  #sized(
    drawn: Sampling,
    { sampling: asked }: Pick<StartDraftInput, 'sampling'>,
    { modelId, tune, verse }: { modelId: string; tune: TuneTask | null; verse: TurnVerse | null },
  ): Sampling {
    if (asked?.maxTokens != null) return drawn;
    if (verse) return verseSampling(drawn, verse);
    const contextTokens = this.#engine.models().find(({ id }) => id === modelId)?.contextTokens ?? null;
    return tune ? tuneSampling(drawn, tune, contextTokens) : drawn;
  }

  #digestOf(modelId: string): string | null {
    return this.#engine.models().find(({ id }) => id === modelId)?.digest ?? null;
  }

  /** The forecast of this node's engine, or of the other nodes'. */
  #forecastOf(modelId: string): Forecast | null {
    const here = this.#engine.load().find((model) => model.modelId === modelId);
    return here?.forecast ?? this.#engine.models().find(({ id }) => id === modelId)?.forecast ?? null;
  }

  /** @throws OverloadedError if the draft cannot be continued now */
  async #checkRoom({ listenerId, modelId }: queries.DraftRow): Promise<void> {
    const { db } = this.#database;
    const forecast = this.#forecastOf(modelId);
    await checkListenerHasRoom(db, listenerId, this.#mostAtOnce - 1, forecast);
    const { queue: most } = this.#turns.assignment;
    if (most !== null) await db.transaction((tx) => checkQueueHasRoom(tx, listenerId, { most, forecast }));
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

  /**
   * Reserves a place and gives it back on failure: nothing is stored before the engine has accepted the draft. Once the
   * turn has begun, the place belongs to its writer, and a later failure must not cancel it ([DRAFT8]).
   */
  async #begin(
    draftId: string,
    { modelId, ...turn }: { modelId: string } & TurnStart,
    record: () => Promise<Fence | null>,
  ): Promise<boolean> {
    const ticket = this.#engine.admit(modelId, turn.request);
    try {
      this.#engine.checkFits(modelId, turn.request);
      return await this.#turns.begin(draftId, ticket, turn, record);
    } catch (error) {
      ticket[Symbol.dispose]();
      throw error;
    }
  }

  #wakeRights(draftId: string): void {
    this.#wakeups.wake(rightsKey(draftId));
    this.#wakeups.wake(draftKey(draftId));
  }

  async #findByKey(viewer: Viewer, { key, input }: Repetition): Promise<Draft | null> {
    const row = await queries.selectDraftByKey(this.#database.db, viewer.listener.id, key);
    if (row) checkSameInput(row.inputDigest, input);
    return row && this.#load(viewer, row.id);
  }

  async #records(ids: readonly string[]): Promise<DraftRecord[]> {
    if (ids.length === 0) return [];
    const rows = await queries.selectDrafts(this.#database.db, ids);
    return this.#log.refresh(rows.map(draftRecord));
  }

  async #load(viewer: Viewer, id: string): Promise<Draft> {
    const draft = (await this.byIds(viewer, [id])).get(id);
    if (!draft) throw noSuchDraft(id);
    return draft;
  }

  /** The draft, if the viewer may change it. */
  async #own(viewer: Viewer, id: string): Promise<DraftRecord> {
    const [row] = await this.#records(UUID.test(id) ? [id] : []);
    if (!row || !mayRead(viewer, row)) throw noSuchDraft(id);
    if (row.listenerId === viewer.listener.id || may(viewer, 'ADMIN')) return row;
    throw new ForbiddenError('The draft is shared for reading; only its owner may change it');
  }
}

function mayRead(viewer: Viewer, row: Pick<queries.DraftRow, 'listenerId' | 'visibility'>): boolean {
  return row.listenerId === viewer.listener.id || row.visibility === 'SHARED' || may(viewer, 'ADMIN');
}

function askedOf({ idempotencyKey, ...input }: StartDraftInput | ContinueDraftInput | TextInput): Repetition | null {
  const key = checkKey(idempotencyKey);
  return key === null ? null : { key, input: inputDigest(input) };
}

/**
 * Whether the draft was already continued or changed with this key.
 * @throws IdempotencyConflictError if that was with another input
 */
function isRepeated({ turns }: DraftRecord, asked: Repetition | null): boolean {
  const known = turns.flatMap((turn) => turn.asked ?? []);
  const first = asked && known.find(({ key }) => key === asked.key);
  if (!asked || !first) return false;
  checkSameInput(first.input, asked.input);
  return true;
}

function checkSameInput(first: string | null, now: string): void {
  if (first !== null && first !== now) throw new IdempotencyConflictError('input.idempotencyKey');
}

/** @throws ConflictError; RevisionConflictError if it is of another revision */
function checkUnchanged({ status, sequence }: DraftRecord, ifRevision: number | null): void {
  if (!isTerminal(status)) throw new ConflictError('The draft is still being written; cancel it or wait for its end');
  if (ifRevision !== null && ifRevision !== sequence) throw new RevisionConflictError(sequence);
}

/** The conversation that a turn answers. */
function conversationAt(draft: DraftRecord, turn: Turn): Conversation {
  const { turns, kept } = nextTurn(draft, turn);
  return conversationOf(draft.kind, draft.prompt, writtenTurns({ turns, ...kept }));
}
