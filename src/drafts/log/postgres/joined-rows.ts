import type { Database } from '../../../db/client.ts';
import {
  type EventRow,
  EVENTS_IN_ROW,
  type JoinedRow,
  joinEventRows,
  selectEventRows,
} from '../../../db/drafts/draft-events.ts';
import { isWritten, type LogEntry } from '../log-events.ts';
import { packEvents } from '../packed-events.ts';
import { logEntries } from '../stored.ts';

/**
 * Joins the tokens of a draft that has ended into rows of up to 64 events. While it is written each event is a row of its
 * own, for it has to be durable at once; that takes three times the space, which the database then uses again.
 */
export async function joinWritten(database: Database, draftId: string, turns: 'all' | 'last'): Promise<void> {
  const joined: JoinedRow[] = [];
  for (const run of runsOf(await selectEventRows(database, draftId, turns), draftId)) {
    const packed = packEvents(run.map(({ event }) => event));
    const [first, last] = [run[0], run.at(-1)];
    if (!packed || !first || !last || run.length === 1) continue;
    joined.push({ after: first.sequence - 1, sequence: last.sequence, ...packed });
  }
  if (joined.length > 0) await joinEventRows(database, draftId, joined);
}

/** Of rows that hold one event each, the neighbours that may share a row: tokens of one epoch. */
function runsOf(rows: readonly EventRow[], draftId: string): LogEntry[][] {
  const runs: LogEntry[][] = [];
  for (const row of rows) {
    const entries = logEntries(draftId, [row]);
    const [entry] = entries;
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (!entry || entries.length > 1 || !isWritten(entry.event)) {
      runs.push([]);
      continue;
    }
    const follows = last?.sequence === entry.sequence - 1 && last.epoch === entry.epoch;
    if (run && (run.length === 0 || (follows && run.length < EVENTS_IN_ROW))) run.push(entry);
    else runs.push([entry]);
  }
  return runs.filter(({ length }) => length > 0);
}
