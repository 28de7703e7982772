import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../../db/client.ts';
import { selectDrafts } from '../../db/drafts/draft-queries.ts';
import { type LogRow, putLogRows, putProgress, selectLogRows } from '../../db/nodes/log-moves.ts';
import type { Kept } from '../../nats/subject-feed.ts';
import type { SubjectLogOptions } from '../../nats/subject-log.ts';
import { JetStreamLog } from '../log/jetstream/jetstream-log.ts';
import { SealedMessages } from '../log/jetstream/sealed-messages.ts';
import { isTerminal } from '../log/log-events.ts';
import { joinWritten } from '../log/postgres/joined-rows.ts';
import { draftRecord, logEntries, movedEvent, storedMessage } from '../log/stored.ts';

/** Number of entries that are read, and bytes of events that are written, in one message. */
const BATCH = 200;
const BATCH_BYTES = 256 * 1024;

/** A message whose events are passed on as they are stored. */
const rawMessage = z.object({
  epoch: z.int(),
  sequence: z.int(),
  follows: z.int().nullable().default(null),
  events: z.array(z.unknown()),
  at: z.iso.datetime(),
});
type RawMessage = z.output<typeof rawMessage>;

/** An entry as it is stored. `at` is an instant in ISO 8601, in UTC. */
interface StoredEntry {
  sequence: number;
  epoch: number;
  event: unknown;
  at: string;
}

interface LogExtent {
  id: string;
  sequence: number;
  compacted: number;
}

/** The logs in JetStream, as the move of logs needs them. */
export interface LogsInStream extends AsyncDisposable {
  /** Copies a draft's log from PostgreSQL into the stream, as far as it is not there. */
  take(draft: LogExtent): Promise<void>;
  /** Copies a draft's log from the stream into PostgreSQL, and brings the draft's row to its end. */
  give(draft: LogExtent): Promise<void>;
  removeAll(): Promise<void>;
}

/** @throws StartupError if NATS cannot be reached */
export async function openLogsInStream({
  database,
  ...nats
}: Omit<SubjectLogOptions<unknown>, 'decode'> & { database: Database }): Promise<LogsInStream> {
  const messages = await SealedMessages.open({ ...nats, database, shape: rawMessage });
  const read = await SealedMessages.open({ ...nats, database, shape: storedMessage });
  const log = new JetStreamLog(database, read, () => undefined);
  return {
    take: (draft) => takeLog(draft, database, messages),
    give: (draft) => giveLog(draft, database, messages, log),
    removeAll: () => messages.removeAll(),
    [Symbol.asyncDispose]: async () => {
      log[Symbol.dispose]();
      await read[Symbol.asyncDispose]();
      await messages[Symbol.asyncDispose]();
    },
  };
}

async function takeLog(draft: LogExtent, database: Database, messages: SealedMessages<RawMessage>): Promise<void> {
  let end = await copiedEnd(draft, database, messages);
  for (;;) {
    const entries = await entriesAfter(database, draft.id, end.sequence);
    if (entries.length === 0) return;
    for (const part of parts(entries)) {
      const [{ epoch, sequence }, last] = [part[0], part.at(-1) ?? part[0]];
      const message = {
        epoch,
        sequence,
        follows: end.epoch,
        events: part.map(({ event }) => event),
        at: last.at,
      };
      const after = await messages.append(draft.id, message, { after: end.streamSequence, id: randomUUID() });
      end = { epoch, sequence: last.sequence, streamSequence: after };
    }
  }
}

/** At most so many rows of them. Events of a row of their own are passed on as they are. */
async function entriesAfter(database: Database, draftId: string, after: number): Promise<StoredEntry[]> {
  const rows = await selectLogRows(database, draftId, after, BATCH);
  return rows.flatMap((row) => entriesIn(row, draftId)).filter(({ sequence }) => sequence > after);
}

function entriesIn(row: LogRow, draftId: string): StoredEntry[] {
  const { sequence, epoch, event, at } = row;
  return row.tokens === null
    ? [{ sequence, epoch, event, at }]
    : logEntries(draftId, [row]).map((one) => ({ ...one, at }));
}

interface End {
  sequence: number;
  epoch: number | null;
  streamSequence: number;
}

/** How far a log was copied. What the stream has of an earlier time and does not belong to it is removed. */
async function copiedEnd(draft: LogExtent, database: Database, messages: SealedMessages<RawMessage>): Promise<End> {
  const last = await messages.last(draft.id);
  if (!last) return { sequence: draft.compacted, epoch: null, streamSequence: 0 };
  const end = endOf(last);
  const [there] = await entriesAfter(database, draft.id, end.sequence - 1);
  if (there?.sequence === end.sequence && there.epoch === end.epoch) return end;
  await messages.purge(draft.id, last.streamSequence);
  return { sequence: draft.compacted, epoch: null, streamSequence: 0 };
}

const endOf = ({ streamSequence, data: { epoch, follows, sequence, events } }: Kept<RawMessage>): End =>
  events.length > 0
    ? { sequence: sequence + events.length - 1, epoch, streamSequence }
    : { sequence, epoch: follows, streamSequence };

/** Runs of one epoch that are not too large for a message. */
function parts(entries: readonly StoredEntry[]): [StoredEntry, ...StoredEntry[]][] {
  const runs: [StoredEntry, ...StoredEntry[]][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const run = runs.at(-1);
    bytes += Buffer.byteLength(JSON.stringify(entry.event));
    if (run && run[0].epoch === entry.epoch && bytes <= BATCH_BYTES) run.push(entry);
    else {
      runs.push([entry]);
      bytes = Buffer.byteLength(JSON.stringify(entry.event));
    }
  }
  return runs;
}

async function giveLog(
  { id, compacted }: LogExtent,
  database: Database,
  messages: SealedMessages<RawMessage>,
  log: JetStreamLog,
): Promise<void> {
  const last = await messages.last(id);
  if (!last) return;
  for (let from = 0; from < last.streamSequence;) {
    const read = await messages.range(id, from + 1, last.streamSequence, BATCH);
    for (const { data } of read) {
      const entries = entriesOf(data).filter(({ sequence }) => sequence > compacted);
      await putLogRows(
        database,
        id,
        entries.map(({ sequence, at, event }) => ({ sequence, at, ...movedEvent(event) })),
      );
    }
    from = read.at(-1)?.streamSequence ?? last.streamSequence;
  }
  const [before] = await selectDrafts(database, [id]);
  if (before) await log.project(id, before.epoch);
  const [row] = await selectDrafts(database, [id]);
  const [draft] = row && !isTerminal(row.status) ? await log.refresh([draftRecord(row)]) : [];
  if (draft) await putProgress(database, draft);
  if (row && isTerminal(row.status)) await joinWritten(database, id, 'all');
}

const entriesOf = ({ epoch, sequence, events, at }: RawMessage): StoredEntry[] =>
  events.map((event, i) => ({ sequence: sequence + i, epoch, event, at }));
