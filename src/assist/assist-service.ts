import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import * as queries from '../db/documents/assist-queries.ts';
import type { AnchoredIn, Documents, Within } from '../documents/documents.ts';
import type { AssistDrafts, AssistOrigin, DraftKind, Drafts } from '../drafts/drafts.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import {
  CadenzaError,
  ConflictError,
  ForbiddenError,
  InvalidInputError,
  NotFoundError,
  ServiceUnavailableError,
} from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, decodeCursor, keyPart, type Page, type PageArgs, pageOf } from '../lib/page.ts';
import { checkRange } from '../lib/text/check-text.ts';
import { type Listeners, may, type Viewer } from '../listeners/listeners.ts';
import type { Engine } from '../ml/engine.ts';
import { assistOf, toBase64 } from './asked-for.ts';
import { type AskedFor, type Assist, type AssistInput, type Assists, noSuchAssist } from './contract.ts';
import { assistsKey, Scribes } from './scribes.ts';

const EXPORTED_AT_ONCE = 50;
/** As many as people may suggest for a passage. */
const MOST_ALTERNATIVES = 5;

export interface AssistsOptions {
  database: Database;
  documents: Documents;
  drafts: Drafts;
  listeners: Listeners;
  engine: Pick<Engine, 'models'>;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
}

export function createAssists(options: AssistsOptions): Assists {
  return new AssistService(options);
}

class AssistService implements Assists {
  readonly #options: AssistsOptions;
  readonly #scribes: Scribes;

  constructor(options: AssistsOptions) {
    this.#options = options;
    const { engine, log: logger } = options;
    this.#scribes = new Scribes({ ...options, logger, models: () => engine.models() });
  }

  async start(viewer: Viewer, input: AssistInput): Promise<Assist> {
    const { database, documents, drafts, wakeups } = this.#options;
    checkTask(input);
    const by = { field: 'input.range', suggests: input.mode === 'SUGGEST' };
    const anchored = await documents.anchor(viewer, input.documentId, input.range ?? null, by);
    if (input.task === 'REWRITE' && anchored.passage.trim() === '')
      throw new InvalidInputError('input.range has no text to rewrite', 'input.range');
    const id = randomUUID();
    const origin = originOf(input, anchored);
    const { kind = null, modelId = null, sampling = null, form = null, tune = null, alternatives = null } = input;
    const how = { modelId, sampling, form, tune, alternatives, kind: kindOf(input.task, kind) };
    const asking = { ...how, origin, request: requestOf(input), title: anchored.document.title };
    const draft = await drafts
      .assist(viewer, asking, (begun) =>
        this.#store(id, viewer, askedFor(viewer, input, { origin, anchored, begun }), anchored, begun),
      )
      .catch((error: unknown) => this.#abandon(id, error));
    await queries.startAssist(database, id);
    wakeups.wake(assistsKey);
    const found = await queries.selectAssistOfDraft(database, draft.id);
    if (!found) throw noSuchAssist(id);
    if (found.id !== id) await queries.deleteAssist(database, id);
    return assistOf(found);
  }

  /** If the database did not answer, drafts may have begun, and are taken up later. */
  async #abandon(id: string, error: unknown): Promise<never> {
    const hasNotBegun = error instanceof CadenzaError && !(error instanceof ServiceUnavailableError);
    if (hasNotBegun) await queries.deleteAssist(this.#options.database, id).catch(() => undefined);
    throw error;
  }

  async #store(
    id: string,
    { listener }: Viewer,
    asked: AskedFor,
    { document }: AnchoredIn,
    { draftIds }: AssistDrafts,
  ): Promise<void> {
    const { database, clock } = this.#options;
    const about = { documentId: document.id, listenerId: listener.id, draftIds, asked };
    const row = { ...about, id, clientId: randomInt(1, 2 ** 32), at: new Date(clock.now()) };
    await queries.insertAssist(database, row, document.listenerId);
  }

  async cancel(viewer: Viewer, id: string): Promise<Assist> {
    const { drafts, listeners } = this.#options;
    const assist = await this.#own(viewer, id);
    const listener = (await listeners.byIds([assist.listenerId])).get(assist.listenerId);
    if (listener && assist.status === 'WRITING') {
      const asker: Viewer = { listener, roles: new Set(['LISTENER']) };
      for (const draftId of assist.draftIds) await drafts.cancel(asker, draftId);
    }
    return this.#readable(viewer, id);
  }

  async undo(viewer: Viewer, id: string): Promise<Assist> {
    const { documents, clock } = this.#options;
    const assist = await this.#writable(viewer, id);
    const { status, undoneAt, documentId, clientId, asked } = assist;
    if (status === 'WRITING') throw new ConflictError('The model is still writing; cancel it or wait for its end');
    if (undoneAt !== null) throw takenBack();
    const within: Within = async (tx) => {
      const isFirst = await queries.undoAssistRow(tx, id, viewer.listener.id, new Date(clock.now()));
      if (!isFirst) throw takenBack();
    };
    if (asked.mode === 'SUGGEST' && (await this.#withdraw(viewer, assist, within))) return this.#readable(viewer, id);
    const hasReplaced = status === 'WRITTEN' && asked.task === 'REWRITE' && asked.removal !== null;
    const deeds = { client: clientId, restore: hasReplaced ? asked.delta : [] };
    await documents.undo(viewer, documentId, deeds, within);
    return this.#readable(viewer, id);
  }

  /** Takes back what is only suggested. @returns false if it was decided, or withdrawn before */
  async #withdraw(viewer: Viewer, { documentId, id }: Assist, within: Within): Promise<boolean> {
    try {
      const decision = { documentId, suggestionId: id, choice: null };
      await this.#options.documents.decideSuggestion(viewer, decision, within);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  async byId(viewer: Viewer, id: string): Promise<Assist | null> {
    const { database, documents } = this.#options;
    const [row] = await queries.selectAssists(database, [id]);
    const isShared = row && (await documents.byIds(viewer, [row.documentId])).has(row.documentId);
    return isShared ? assistOf(row) : null;
  }

  async of(documentId: string, { first, after = null }: PageArgs): Promise<Page<Assist>> {
    const { database } = this.#options;
    const list = `document-assists:${documentId}`;
    const key = after === null ? null : listKey(after, list);
    const rows = await queries.selectAssistsOf(database, documentId, key, checkFirst(first) + 1);
    const keyOf = ({ createdAt, id }: Assist) => [createdAt.getTime(), id];
    const count = () => queries.countAssistsOf(database, documentId);
    return pageOf(rows.map(assistOf), list, { first, after }, keyOf, count);
  }

  async *everythingOf(listenerId: number): AsyncGenerator<object> {
    for (let after: string | null = null; ;) {
      const rows = await queries.selectAssistsBy(this.#options.database, listenerId, after, EXPORTED_AT_ONCE);
      for (const { id, documentId, draftIds, asked, ...assist } of rows.map(assistOf)) {
        const { task, instruction, tone, modelId } = asked;
        const { status, reason, createdAt, endedAt, undoneAt } = assist;
        yield {
          id,
          document: documentId,
          drafts: draftIds,
          task,
          instruction,
          tone,
          model: modelId,
          status,
          reason,
          createdAt,
          endedAt,
          undoneAt,
        };
      }
      after = rows.at(-1)?.id ?? null;
      if (rows.length === 0) return;
    }
  }

  recover(): void {
    this.#scribes.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scribes[Symbol.asyncDispose]();
  }

  async #readable(viewer: Viewer, id: string): Promise<Assist> {
    const assist = await this.byId(viewer, id);
    if (!assist) throw noSuchAssist(id);
    return assist;
  }

  /** One that the viewer may end: whoever suggests may end what a model suggests for them. */
  async #own(viewer: Viewer, id: string): Promise<Assist> {
    const assist = await this.#readable(viewer, id);
    const isOwn = assist.listenerId === viewer.listener.id && assist.asked.mode === 'SUGGEST';
    return isOwn ? assist : this.#writable(viewer, id);
  }

  async #writable(viewer: Viewer, id: string): Promise<Assist> {
    const assist = await this.#readable(viewer, id);
    const document = (await this.#options.documents.byIds(viewer, [assist.documentId])).get(assist.documentId);
    if (document?.role === 'OWNER' || document?.role === 'EDITOR') return assist;
    throw new ForbiddenError(
      'The document is shared with you for reading or suggesting; its owner can make you an EDITOR',
    );
  }
}

const takenBack = (): ConflictError => new ConflictError('What the model has written was taken back before');

function checkTask({ task, kind, form, range, mode, alternatives }: AssistInput): void {
  const refuse = (field: string, why: string): never => {
    throw new InvalidInputError(`${field} ${why}`, field);
  };
  if (task === 'REWRITE' && range == null) refuse('input.range', 'is required for REWRITE');
  if (alternatives != null && mode !== 'SUGGEST') refuse('input.alternatives', 'applies to the mode SUGGEST only');
  if (alternatives != null) checkRange(alternatives, 'input.alternatives', 1, MOST_ALTERNATIVES);
  if (task === 'TUNE' && form != null) refuse('input.form', 'does not apply to tunes');
  if ((task === 'TUNE') !== (kind === 'TUNE') && kind != null)
    refuse('input.kind', `does not go with the task ${task}`);
}

const kindOf = (task: AssistInput['task'], kind: DraftKind | null): DraftKind =>
  task === 'TUNE' ? 'TUNE' : (kind ?? 'STORY');

function originOf({ task, instruction, tone }: AssistInput, anchored: AnchoredIn): AssistOrigin {
  const { before, passage, after, document } = anchored;
  const asked = { task, instruction: instruction ?? null, tone: tone ?? null };
  return { ...asked, before, passage, after, documentId: document.id };
}

/** By which a repetition is known: bytes have no fields. */
function requestOf({ range, ...input }: AssistInput) {
  return { ...input, range: encoded(range) };
}

function encoded(range: AssistInput['range']): AskedFor['range'] {
  return range ? { start: toBase64(range.start), end: toBase64(range.end) } : null;
}

interface Begun {
  origin: AssistOrigin;
  anchored: AnchoredIn;
  begun: AssistDrafts;
}

function askedFor(viewer: Viewer, input: AssistInput, { origin, anchored, begun }: Begun): AskedFor {
  const { documentId: _, ...asked } = origin;
  const { draftIds: __, ...written } = begun;
  const { place, removal, stateVector, delta, cursor } = anchored;
  const how = { mode: input.mode ?? 'WRITE', range: encoded(input.range) };
  const bytes = { place: toBase64(place), removal: removal && toBase64(removal), stateVector: toBase64(stateVector) };
  return { ...asked, ...written, ...how, delta, cursor, ...bytes, asAdmin: may(viewer, 'ADMIN') };
}

function listKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
