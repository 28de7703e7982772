import type { Database } from '../db/client.ts';
import { findDrafts, indexDraft, selectUnindexed } from '../db/draft-texts.ts';
import type { DraftRow } from '../db/drafts/draft-columns.ts';
import * as queries from '../db/drafts/draft-queries.ts';
import { perOwner } from '../db/queries/per-owner.ts';
import { groupBy, indexBy } from '../lib/collections.ts';
import { checkFirst, decodeCursor, keyPart, type Page, type PageArgs, pageOf } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import { type TermQuery, termQuery } from '../lib/text/search-terms.ts';
import type { Draft, DraftQuery } from './contract.ts';
import type { DraftLog } from './log/draft-log.ts';
import { draftRecord, toDraft } from './log/stored.ts';

const INDEXED_AT_ONCE = 20;

/** The drafts of listeners, filtered and searched. */
export class DraftLists {
  readonly #database: Database;
  readonly #log: DraftLog;
  readonly #page = perOwner<queries.DraftPage, DraftRow[]>(async (ids, page) => {
    return groupBy(await queries.selectDraftsOfListeners(this.#database, ids, page), (row) => row.listenerId);
  }, []);
  readonly #count = perOwner(
    (ids, selection: queries.DraftSelection) => queries.countDraftsOfListeners(this.#database.db, ids, selection),
    0,
  );

  readonly #children = perOwner<queries.ChildrenPage, DraftRow[], string>(
    async (ids, page) =>
      groupBy(await queries.selectDraftsOfParents(this.#database, ids, page), (row) => row.parentId ?? ''),
    [],
  );
  readonly #childCount = perOwner<{ viewer: number | null }, number, string>(
    (ids, { viewer }) => queries.countDraftsOfParents(this.#database.db, ids, viewer),
    0,
  );

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
      ids: null,
    };
    const words = termQuery(checkText(query.search ?? '', 'search', { min: 0, max: 200 }));
    const page = { after: key, limit: checkFirst(first) + 1 };
    const searched = { ...selection, ids: await this.#search(listenerId, selection, words, page.after, page.limit) };
    const rows = await this.#page(listenerId, { ...searched, ...page });
    const found = (await this.#log.refresh(rows.map(draftRecord))).map(toDraft);
    const total = async () => {
      if (words.length === 0) return this.#count(listenerId, selection);
      return (await this.#search(listenerId, selection, words, null, Infinity))?.length ?? 0;
    };
    return pageOf(found, list, { first, after }, keyOf, total);
  }

  /**
   * The drafts that came from one, newest first.
   * @param viewer the listener who may see their own and SHARED ones; null sees all
   * @throws InvalidInputError
   */
  async childrenOf(draftId: string, { first, after = null }: PageArgs, viewer: number | null): Promise<Page<Draft>> {
    const list = `children:${draftId}`;
    const key = after === null ? null : parsePageKey(after, list);
    const rows = await this.#children(draftId, { viewer, after: key, limit: checkFirst(first) + 1 });
    const found = (await this.#log.refresh(rows.map(draftRecord))).map(toDraft);
    return pageOf(found, list, { first, after }, keyOf, () => this.#childCount(draftId, { viewer }));
  }

  /** The drafts with these words, at most so many. Null without words. */
  async #search(
    listenerId: number,
    selection: queries.DraftSelection,
    query: TermQuery,
    after: queries.DraftPage['after'],
    most: number,
  ): Promise<string[] | null> {
    if (query.length === 0) return null;
    await this.#index([listenerId]);
    return findDrafts(this.#database, { listenerId, selection, query, after, most });
  }

  /**
   * Indexes what has changed since these listeners' drafts were last searched. That waits until somebody searches,
   * because a draft that is being written changes with each token.
   */
  async #index(listenerIds: readonly number[]): Promise<void> {
    for (let after: string | null = null; ;) {
      const found = await selectUnindexed(this.#database, listenerIds, after, INDEXED_AT_ONCE);
      const titles = indexBy(found, ({ id }) => id);
      const ids = found.map(({ id }) => id);
      const records = (await queries.selectDrafts(this.#database, ids)).map(draftRecord);
      // One by one, because others wait for the event loop while a long text is taken apart.
      for (const draft of await this.#log.refresh(records)) {
        const { storedTitle = '' } = titles.get(draft.id) ?? {};
        await indexDraft(this.#database, { ...draft, storedTitle });
      }
      after = ids.at(-1) ?? null;
      if (ids.length < INDEXED_AT_ONCE) return;
    }
  }
}

const keyOf = ({ createdAt, id }: Draft) => [createdAt.getTime(), id];

/** A statement has a limited number of parameters, and a list may repeat its items. */
const distinct = <Item>(items: readonly Item[] | null | undefined): Item[] | null =>
  items ? [...new Set(items)] : null;

function parsePageKey(after: string, list: string): { createdAt: Date; id: string } {
  const [createdAt, id] = decodeCursor(after, list, [keyPart.instant, keyPart.uuid]);
  return { createdAt: new Date(createdAt), id };
}
