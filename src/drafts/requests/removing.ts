import type { Database } from '../../db/client.ts';
import { type DraftRow } from '../../db/drafts/draft-columns.ts';
import { selectEndedBefore, selectStatusesOf } from '../../db/drafts/draft-queries.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { Draft } from '../contract.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { isTerminal } from '../log/log-events.ts';
import type { DraftTurns } from '../turns/draft-turns.ts';
import { wakeRights } from '../wakeup-keys.ts';
import type { DraftAccess } from './access.ts';

const DELETED_AT_ONCE = 20;

interface RemovingOptions {
  database: Database;
  access: DraftAccess;
  log: DraftLog;
  turns: DraftTurns;
  wakeups: Wakeups;
}

/** Cancels and deletes drafts. */
export class Removing {
  readonly #options: RemovingOptions;

  constructor(options: RemovingOptions) {
    this.#options = options;
  }

  async cancel(viewer: Viewer, draftId: string): Promise<Draft> {
    const { access, turns } = this.#options;
    const row = await access.own(viewer, draftId);
    if (!isTerminal(row.status)) await turns.cancel(row.id);
    return access.load(viewer, draftId);
  }

  async delete(viewer: Viewer, draftId: string): Promise<void> {
    await this.#remove(await this.#options.access.own(viewer, draftId));
  }

  async deleteOf(listenerId: number): Promise<number> {
    for (let deleted = 0; ;) {
      const rows = await selectStatusesOf(this.#options.database.db, listenerId, DELETED_AT_ONCE);
      if (rows.length === 0) return deleted;
      await Promise.all(rows.map((row) => this.#remove(row)));
      deleted += rows.length;
    }
  }

  /** One that is continued meanwhile is kept. */
  async deleteFinished(before: Date, limit: number): Promise<number> {
    const { database, log, wakeups } = this.#options;
    const rows = await selectEndedBefore(database.db, before, limit);
    for (const { id } of rows) if (await log.remove(id, before)) wakeRights(wakeups, id);
    return rows.length;
  }

  async #remove({ id, status }: Pick<DraftRow, 'id' | 'status'>): Promise<void> {
    const { turns, log, wakeups } = this.#options;
    if (!isTerminal(status)) await turns.cancel(id);
    await log.remove(id);
    wakeRights(wakeups, id);
  }
}
