import type { Database } from '../../db/client.ts';
import type { DraftRow } from '../../db/drafts/draft-columns.ts';
import * as queries from '../../db/drafts/draft-queries.ts';
import { indexBy } from '../../lib/collections.ts';
import { ForbiddenError } from '../../lib/errors.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import type { Draft } from '../contract.ts';
import { noSuchDraft } from '../contract.ts';
import type { DraftLog } from '../log/draft-log.ts';
import type { Repetition } from '../log/log-events.ts';
import { type DraftRecord, draftRecord, toDraft } from '../log/stored.ts';
import type { FindDraft } from '../tune-draft.ts';
import { checkSameInput } from './repetitions.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Drafts as viewers may read and change them ([DRAFT3]). */
export class DraftAccess {
  readonly #database: Database;
  readonly #log: DraftLog;

  constructor(database: Database, log: DraftLog) {
    this.#database = database;
    this.#log = log;
  }

  /** The drafts that the viewer may read. Others are absent. */
  async byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Draft>> {
    const rows = await this.#records(ids.filter((id) => UUID.test(id)));
    return indexBy(rows.filter((row) => mayRead(viewer, row)).map(toDraft), (draft) => draft.id);
  }

  /** Finds drafts that inputs name. */
  finderFor(viewer: Viewer): FindDraft {
    return async (id) => (await this.byIds(viewer, [id])).get(id) ?? null;
  }

  /** @throws NotFoundError */
  async load(viewer: Viewer, id: string): Promise<Draft> {
    const draft = (await this.byIds(viewer, [id])).get(id);
    if (!draft) throw noSuchDraft(id);
    return draft;
  }

  /** The draft, if the viewer may read it. @throws NotFoundError */
  async readable(viewer: Viewer, id: string): Promise<DraftRecord> {
    const [row] = await this.#records(UUID.test(id) ? [id] : []);
    if (!row || !mayRead(viewer, row)) throw noSuchDraft(id);
    return row;
  }

  /** The draft, if the viewer may change it. @throws NotFoundError, ForbiddenError */
  async own(viewer: Viewer, id: string): Promise<DraftRecord> {
    const row = await this.readable(viewer, id);
    if (row.listenerId === viewer.listener.id || may(viewer, 'ADMIN')) return row;
    throw new ForbiddenError('The draft is shared for reading; only its owner may change it');
  }

  /** The draft that was started with this key. @throws IdempotencyConflictError if that was with another input */
  async startedBy(viewer: Viewer, { key, input }: Repetition): Promise<Draft | null> {
    const row = await queries.selectDraftByKey(this.#database, viewer.listener.id, key);
    if (row) checkSameInput(row.inputDigest, input);
    return row && this.load(viewer, row.id);
  }

  async #records(ids: readonly string[]): Promise<DraftRecord[]> {
    if (ids.length === 0) return [];
    const rows = await queries.selectDrafts(this.#database, ids);
    return this.#log.refresh(rows.map(draftRecord));
  }
}

export function mayRead(viewer: Viewer, row: Pick<DraftRow, 'listenerId' | 'visibility'>): boolean {
  return row.listenerId === viewer.listener.id || row.visibility === 'SHARED' || may(viewer, 'ADMIN');
}
