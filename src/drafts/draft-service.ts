import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import * as queries from '../db/draft-queries.ts';
import { perOwner } from '../db/per-owner.ts';
import type { Clock } from '../lib/clock.ts';
import { groupBy, indexBy } from '../lib/collections.ts';
import { ConflictError, ForbiddenError, InvalidInputError, ModelUnavailableError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, decodeCursor, keyPart, pageOf, type Page } from '../lib/page.ts';
import { checkText } from '../lib/text.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import { may, type Viewer } from '../listeners/listeners.ts';
import type { Engine, GenerationRequest, Sampling, Ticket, Usage } from '../ml/engine.ts';
import { eventCursor } from './draft-cursor.ts';
import { checkInstruction, checkPrompt, checkTitle, resolveSampling, titleFrom } from './draft-input.ts';
import { draftKey, DraftLog } from './draft-log.ts';
import { DraftRounds, roundsOf, type Turn } from './draft-rounds.ts';
import { noSuchDraft, rightsKey } from './draft-tail.ts';
import { statusEntry } from './draft-writer.ts';
import type { ContinueDraftInput, Draft, DraftEvent, Drafts, StartDraftInput, UpdateDraftInput } from './drafts.ts';
import { DraftTails } from './follow.ts';
import { isTerminal, logTokens } from './log-events.ts';
import { conversationOf } from './prompts.ts';

export interface DraftsOptions {
  database: Database;
  engine: Engine;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** Draws seeds: a float in [0, 1). */
  random?: () => number;
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
  readonly #random: () => number;
  readonly #log: DraftLog;
  readonly #rounds: DraftRounds;
  readonly #tails: DraftTails;
  readonly #page = perOwner<queries.DraftPage, queries.DraftRow[]>(
    async (ids, page) =>
      groupBy(await queries.selectDraftsOfListeners(this.#database.db, ids, page), (row) => row.listenerId),
    [],
  );
  readonly #count = perOwner(
    (ids, sharedOnly: boolean) => queries.countDraftsOfListeners(this.#database.db, ids, sharedOnly),
    0,
  );

  constructor({ database, engine, wakeups, clock, log, random = () => randomInt(2 ** 32) / 2 ** 32 }: DraftsOptions) {
    this.#database = database;
    this.#engine = engine;
    this.#wakeups = wakeups;
    this.#clock = clock;
    this.#random = random;
    this.#log = new DraftLog(database, wakeups, clock, log);
    this.#rounds = new DraftRounds({ database, engine, log: this.#log, logger: log });
    this.#tails = new DraftTails({
      read: (draftId, after, limit) => this.#log.read(draftId, after, limit),
      standingOf: (draftId) => queries.selectStanding(database.db, draftId),
      wakeups,
      logger: log,
    });
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
      this.#rounds.begin(ticket, { draftId: id, epoch: 1, sequence: 1 }, request, UNUSED);
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
      const moved = await this.#log.append(fence, [event, ...separator], { ...set, turns }, this.#rounds.shutdown);
      if (!moved) throw new ConflictError('The draft was continued by somebody else at the same moment');
      this.#rounds.begin(ticket, moved, request, turn.before);
      return { draft: await this.#load(viewer, row.id), started: true };
    });
  }

  async cancel(viewer: Viewer, draftId: string): Promise<Draft> {
    const row = await this.#own(viewer, draftId);
    if (!isTerminal(row.status)) await this.#rounds.cancel(row.id);
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
    if (!isTerminal(row.status)) await this.#rounds.cancel(row.id);
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
    { first, after = null }: Parameters<Drafts['ofListener']>[2],
  ): Promise<Page<Draft>> {
    const list = `drafts:${listenerId}`;
    const sharedOnly = viewer.listener.id !== listenerId && !may(viewer, 'ADMIN');
    const key = after === null ? null : parsePageKey(after, list);
    const rows = await this.#page(listenerId, { sharedOnly, after: key, limit: checkFirst(first) + 1 });
    const keyOf = ({ createdAt, id }: Draft) => [createdAt.getTime(), id];
    return pageOf(rows.map(toDraft), list, { first, after }, keyOf, () => this.#count(listenerId, sharedOnly));
  }

  cursorOf(draft: Draft): string {
    return eventCursor(draft.id, draft.sequence);
  }

  follow(
    viewer: Viewer,
    draftId: string,
    after: string | null,
    signal?: AbortSignal,
  ): AsyncIterableIterator<DraftEvent> {
    return this.#tails.follow({
      draftId,
      after,
      mayRead: (standing) => mayRead(viewer, standing),
      load: () => this.#load(viewer, draftId),
      signal,
    });
  }

  recover(): Promise<void> {
    return this.#rounds.recover();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rounds[Symbol.asyncDispose]();
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

function mayRead(viewer: Viewer, row: Pick<queries.DraftRow, 'listenerId' | 'visibility'>): boolean {
  return row.listenerId === viewer.listener.id || row.visibility === 'SHARED' || may(viewer, 'ADMIN');
}

function toDraft({ turns: _, epoch: __, sampling, usage, ...row }: queries.DraftRow): Draft {
  return { ...row, sampling: sampling as Sampling, usage: usage as Usage };
}

function parsePageKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
