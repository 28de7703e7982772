import type { Database } from '../../../db/client.ts';
import type { EventRow } from '../../../db/drafts/draft-events.ts';
import { insertDrafts } from '../../../db/drafts/draft-inserts.ts';
import * as log from '../../../db/drafts/draft-log-queries.ts';
import { deleteDraftRow, type DraftSummary, selectDrafts, selectSummary } from '../../../db/drafts/draft-queries.ts';
import { isRefused } from '../../../db/failures.ts';
import { Batcher } from '../../../lib/async/batcher.ts';
import { asError } from '../../../lib/errors.ts';
import { edited } from '../edits.ts';
import { isTerminal, type LogEntry, statusAfter } from '../log-events.ts';
import {
  type Addition,
  DivergedError,
  type EntriesWanted,
  type Fence,
  type LogAppend,
  type LogStore,
  type NewLog,
  RefusedError,
} from '../log-store.ts';
import { type DraftRecord, logEntries, storedEvent } from '../stored.ts';
import { joinWritten } from './joined-rows.ts';
import { keepWholeText } from './kept-texts.ts';

/** Whether an append was made, or why the database will never accept it. */
type Outcome = boolean | RefusedError;

/** The logs in PostgreSQL: one row per event, written together with the draft's own row. */
export class PostgresLog implements LogStore {
  readonly #database: Database;
  readonly #reads = new Batcher<EntriesWanted, EventRow[] | null>(
    (wanted) => log.selectEvents(this.#database, wanted),
    256,
  );
  readonly #commits = new Batcher<log.Append, Outcome>((appends) => this.#commit(appends));

  constructor(database: Database) {
    this.#database = database;
  }

  create(started: readonly NewLog[]): Promise<boolean> {
    const rows = started.map(({ draft, events }) => ({ draft, events: events.map(storedEvent) }));
    return insertDrafts(this.#database, rows);
  }

  async append({ fence, at, ...addition }: LogAppend): Promise<boolean> {
    const { draftId, epoch, sequence } = fence;
    const { events } = addition;
    const set = { ...statusAfter(events), ...rowChanges(addition) };
    const rows = events.map(storedEvent);
    const outcome = await this.#commits.submit({ draftId, epoch, sequence: sequence + 1, events: rows, set, at });
    if (outcome instanceof RefusedError) throw outcome;
    if (outcome) {
      // Readers do not wait for this tidying.
      if (isTerminal(statusAfter(events)?.status ?? 'GENERATING')) void this.#join(draftId);
      return true;
    }
    // Refused, either by another writer's fence or because an earlier attempt had arrived although its answer was lost.
    const position = await log.selectPosition(this.#database.db, draftId);
    return position?.epoch === epoch && position.sequence === sequence + events.length;
  }

  /** A failure only leaves them as they are until the draft ends again. */
  #join(draftId: string): Promise<void> {
    return joinWritten(this.#database, draftId, 'last').catch(() => undefined);
  }

  async take(draftId: string, epoch: number): Promise<Fence | null> {
    const position = await log.selectPosition(this.#database.db, draftId);
    if (position?.epoch !== epoch || isTerminal(position.status)) return null;
    return { draftId, epoch, sequence: position.sequence };
  }

  /** The log and the row are one. */
  settle(): Promise<void> {
    return Promise.resolve();
  }

  async read(draftId: string, after: number, limit: number, epoch: number | null = null): Promise<LogEntry[]> {
    const rows = await this.#reads.submit({ draftId, after, limit, epoch });
    if (!rows) throw new DivergedError();
    return entriesAfter({ draftId, after, limit }, rows);
  }

  async news(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]> {
    const found = await log.selectEvents(this.#database, wanted);
    return wanted.map((one, i) => entriesOrError(one, found[i] ?? null));
  }

  summaryOf(draftId: string): Promise<DraftSummary | null> {
    return selectSummary(this.#database.db, draftId);
  }

  refresh(drafts: readonly DraftRecord[]): Promise<DraftRecord[]> {
    return Promise.resolve([...drafts]);
  }

  remove(draftId: string, endedBefore?: Date): Promise<boolean> {
    return deleteDraftRow(this.#database.db, draftId, endedBefore);
  }

  async compact(before: Date, limit: number): Promise<number> {
    const ids = await log.selectUncompacted(this.#database, before, limit);
    for (const row of await selectDrafts(this.#database, ids)) await keepWholeText(this.#database, row, true);
    return ids.length;
  }

  /** One draft's rejected events must not prevent the others', so they are committed one by one ([LOG7]). */
  async #commit(appends: readonly log.Append[]): Promise<Outcome[]> {
    try {
      return await log.appendEvents(this.#database, appends);
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (appends.length === 1) return [new RefusedError('the text could not be kept', { cause: error })];
      const outcomes: Outcome[] = [];
      for (const append of appends) outcomes.push(...(await this.#commit([append])));
      return outcomes;
    }
  }
}

/** What an addition changes in the draft's row besides its status. */
function rowChanges(addition: Addition): log.RowChanges {
  switch (addition.type) {
    case 'progress':
      return {};
    case 'turn':
      return { turns: addition.turns, ...addition.kept };
    case 'edit': {
      const { text: _, sequence: __, ...changes } = edited(addition.before, addition.events[0]);
      return changes;
    }
  }
}

/** A log that cannot be read leaves the others alone. */
function entriesOrError(wanted: Wanted, rows: readonly EventRow[] | null): LogEntry[] | Error {
  if (!rows) return new DivergedError();
  try {
    return entriesAfter(wanted, rows);
  } catch (error) {
    return asError(error);
  }
}

type Wanted = Omit<EntriesWanted, 'epoch'>;

/** A row may hold entries before the first that is wanted, and after the last. */
const entriesAfter = ({ draftId, after, limit }: Wanted, rows: readonly EventRow[]): LogEntry[] =>
  logEntries(draftId, rows)
    .filter(({ sequence }) => sequence > after)
    .slice(0, limit);
