import type { Database } from '../../db/client.ts';
import { selectDrafts } from '../../db/drafts/draft-queries.ts';
import { beginLogMove, type DraftLogKind, endLogMove } from '../../db/nodes/installation.ts';
import { deleteEntries, type LogExtent, selectLogExtents } from '../../db/nodes/log-moves.ts';
import { type Sleep, systemSleep } from '../../lib/clock.ts';
import { StartupError } from '../../lib/errors.ts';
import { keepWholeText } from '../log/postgres/kept-texts.ts';
import { livingNodes } from './living-nodes.ts';
import { type LogsInStream, openLogsInStream } from './logs-in-stream.ts';

/** Number of drafts that are moved at once. */
const AT_ONCE = 16;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

export interface MoveLogsOptions {
  database: Database;
  nats: { url: string; replicas: number };
  to: DraftLogKind;
  /** Called with the number of drafts so far. */
  onProgress?: (what: 'copied' | 'removed', drafts: number) => void;
  sleep?: Sleep;
  signal?: AbortSignal;
}

/**
 * Moves the logs of all drafts to PostgreSQL or to JetStream while no node runs: copies them, notes that they are there,
 * and removes them from where they were ([LOG14]). It may be stopped or killed at any point, and then be run again:
 * until all are copied, the logs are where they were.
 * @returns the number of drafts copied
 * @throws StartupError if nodes are running or NATS cannot be reached
 */
export async function moveLogs(options: MoveLogsOptions): Promise<number> {
  const { database, to, nats, sleep = systemSleep } = options;
  const { id, draftLog: from, movesTo } = await beginLogMove(database, to);
  if (movesTo !== null && (await livingNodes(database, sleep, options.signal)) > 0) {
    // Nobody else has begun it, or they would not run. They may go on as they are.
    await beginLogMove(database, from);
    throw new StartupError('Nodes are running on this database. Stop all of them, then move the logs.');
  }
  const stream = await openLogsInStream({ database, ...nats, stream: `cadenza-${id}` });
  try {
    const copied = movesTo === null ? 0 : await each('copied', options, (drafts) => copy(drafts, to, database, stream));
    await endLogMove(database, to);
    if (to === 'nats') await each('removed', options, (drafts) => deleteEntries(database, idsOf(drafts)));
    else await stream.removeAll();
    return copied;
  } finally {
    await stream[Symbol.asyncDispose]();
  }
}

async function copy(drafts: readonly LogExtent[], to: DraftLogKind, database: Database, stream: LogsInStream) {
  await Promise.all(drafts.map((draft) => (to === 'nats' ? stream.take(draft) : stream.give(draft))));
  if (to === 'nats')
    for (const row of await selectDrafts(database, idsOf(drafts))) await keepWholeText(database, row, false);
}

/** Goes through all drafts, a few at once. @returns their number */
async function each(
  what: 'copied' | 'removed',
  { database, onProgress, signal }: MoveLogsOptions,
  work: (drafts: readonly LogExtent[]) => Promise<void>,
): Promise<number> {
  for (let [done, after] = [0, BEFORE_ALL]; ;) {
    signal?.throwIfAborted();
    const drafts = await selectLogExtents(database, after, AT_ONCE);
    const last = drafts.at(-1);
    if (!last) return done;
    await work(drafts);
    done += drafts.length;
    after = last.id;
    onProgress?.(what, done);
  }
}

const idsOf = (drafts: readonly LogExtent[]): string[] => drafts.map(({ id }) => id);
