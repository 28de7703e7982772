import type { Database } from '../../db/client.ts';
import { deleteAlternatives, selectDraftsOfGroups } from '../../db/drafts/draft-queries.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { groupBy } from '../../lib/collections.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { Draft, DraftGroup } from '../contract.ts';
import { noSuchDraft } from '../contract.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { draftRecord, toDraft } from '../log/stored.ts';
import type { DraftTurns } from '../turns/draft-turns.ts';
import { wakeRights } from '../wakeup-keys.ts';
import { type DraftAccess, mayRead } from './access.ts';

interface ChoosingOptions {
  database: Database;
  access: DraftAccess;
  log: DraftLog;
  turns: DraftTurns;
  wakeups: Wakeups;
}

/** Groups of alternatives, of which one is chosen. */
export class Choosing {
  readonly #options: ChoosingOptions;

  constructor(options: ChoosingOptions) {
    this.#options = options;
  }

  /** The groups with the drafts in them that the viewer may read. Those without any are absent. */
  async groupsByIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, DraftGroup>> {
    const { database, log } = this.#options;
    const rows = (await selectDraftsOfGroups(database, ids)).filter((row) => mayRead(viewer, row));
    const drafts = (await log.refresh(rows.map(draftRecord))).map(toDraft);
    const groups = groupBy(drafts, ({ groupId }) => groupId ?? '');
    return new Map([...groups].map(([id, members]) => [id, { id, drafts: members }]));
  }

  /**
   * Keeps one alternative and deletes the others at once, which also ends their writing. Of several choices in one group
   * the first counts ([ALT3]).
   */
  async choose(viewer: Viewer, draftId: string): Promise<Draft> {
    const { database, access, turns } = this.#options;
    const { id, groupId } = await access.own(viewer, draftId);
    const others = groupId === null ? [] : await deleteAlternatives(database.db, { id, groupId });
    if (others === null) throw noSuchDraft(id);
    // First their logs, so that no reader takes the end of their writing for theirs.
    await Promise.all(others.map((other) => this.#cleanUp(other)));
    turns.abandon(others);
    return access.load(viewer, id);
  }

  /** Its row is gone already. */
  async #cleanUp(draftId: string): Promise<void> {
    const { log, wakeups } = this.#options;
    await log.remove(draftId);
    wakeRights(wakeups, draftId);
  }
}
