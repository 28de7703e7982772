import {
  type AuditRow,
  countAuditEntries,
  insertAuditEntry,
  type NewAuditRow,
  removeOldAuditEntries,
  selectAuditEntries,
} from '../db/access/audit-queries.ts';
import type { Database } from '../db/client.ts';
import { checkFirst, decodeCursor, keyPart, type Page, type PageArgs, pageOf } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';

export type AuditEntry = AuditRow;

export interface AuditQuery extends PageArgs {
  /** Only entries of this action. */
  action?: string | null;
}

const LIST = 'audit';
const LONGEST_OBJECT = 200;

/** What was done that matters to others, by whom, from where and with what outcome ([AUDIT1]). Nobody can change it. */
export class AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async record(entry: NewAuditRow): Promise<void> {
    const object = entry.object?.slice(0, LONGEST_OBJECT).replaceAll(/\0|\p{Surrogate}/gu, '�') ?? null;
    await insertAuditEntry(this.#database.db, { ...entry, object });
  }

  /** Newest first. @throws InvalidInputError */
  async list({ action = null, ...args }: AuditQuery): Promise<Page<AuditEntry>> {
    const { db } = this.#database;
    const [before] = args.after == null ? [null] : decodeCursor(args.after, LIST, [keyPart.id]);
    const of = action === null ? null : checkText(action, 'action', { max: 100 });
    const rows = await selectAuditEntries(db, of, before, checkFirst(args.first) + 1);
    return pageOf(
      rows,
      LIST,
      args,
      ({ id }) => [id],
      () => countAuditEntries(db, of),
    );
  }

  /** Removes entries of more than this many days ago, at most so many. @returns how many */
  removeOlder(days: number, most: number): Promise<number> {
    return removeOldAuditEntries(this.#database, days, most);
  }
}
