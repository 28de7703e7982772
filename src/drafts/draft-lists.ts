import type { Database } from '../db/client.ts';
import { indexDraft, selectUnindexed } from '../db/draft-texts.ts';
import * as queries from '../db/queries/draft-queries.ts';
import { perOwner } from '../db/queries/per-owner.ts';
import { groupBy } from '../lib/collections.ts';
import { checkFirst, decodeCursor, keyPart, type Page, pageOf } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import { termQuery } from '../lib/text/search-terms.ts';
import type { Draft, DraftQuery } from './contract.ts';
import type { DraftLog } from './log/draft-log.ts';
import { draftRecord, toDraft } from './log/stored.ts';

const INDEXED_AT_ONCE = 20;

/** The drafts of listeners, filtered and searched. */
export class DraftLists {
  readonly #database: Database;
  readonly #log: DraftLog;
  readonly #page = perOwner<queries.DraftPage, queries.DraftRow[]>(async (ids, page) => {
    if (page.terms.length > 0) await this.#index(ids);
    return groupBy(await queries.selectDraftsOfListeners(this.#database.db, ids, page), (row) => row.listenerId);
  }, []);
  readonly #count = perOwner(async (ids, selection: queries.DraftSelection) => {
    if (selection.terms.length > 0) await this.#index(ids);
    return queries.countDraftsOfListeners(this.#database.db, ids, selection);
  }, 0);

  constructor(database: Database, log: DraftLog) {
    this.#database = database;
    this.#log = log;
  }

  /** Newest first. @throws InvalidInputError */
  async of(listenerId: number, query: DraftQuery, sharedOnly: boolean): Promise<Page<Draft>> {
    const { first, after = null, filter } = query;
    const list = `drafts:${listenerId}`;
    const key = after === null ? null : parsePageKey(after, list);
    const selection = {
      ...{ sharedOnly, kinds: distinct(filter?.kinds), statuses: distinct(filter?.statuses) },
      updatedSince: filter?.updatedSince ?? null,
      terms: termQuery(checkText(query.search ?? '', 'search', { min: 0, max: 200 })),
    };
    const rows = await this.#page(listenerId, { ...selection, after: key, limit: checkFirst(first) + 1 });
    const found = (await this.#log.refresh(rows.map(draftRecord))).map(toDraft);
    const keyOf = ({ createdAt, id }: Draft) => [createdAt.getTime(), id];
    return pageOf(found, list, { first, after }, keyOf, () => this.#count(listenerId, selection));
  }

  /**
   * Indexes what has changed since these listeners' drafts were last searched. That waits until somebody searches,
   * because a draft that is being written changes with each token.
   */
  async #index(listenerIds: readonly number[]): Promise<void> {
    for (let after: string | null = null; ;) {
      const ids = await selectUnindexed(this.#database, listenerIds, after, INDEXED_AT_ONCE);
      const records = (await queries.selectDrafts(this.#database.db, ids)).map(draftRecord);
      // One by one, because others wait for the event loop while a long text is taken apart.
      for (const draft of await this.#log.refresh(records)) await indexDraft(this.#database, draft);
      after = ids.at(-1) ?? null;
      if (ids.length < INDEXED_AT_ONCE) return;
    }
  }
}

/** A statement has a limited number of parameters, and a list may repeat its items. */
const distinct = <Item>(items: readonly Item[] | null | undefined): Item[] | null =>
  items ? [...new Set(items)] : null;

function parsePageKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
