import type { Database } from '../../db/client.ts';
import { buryNode, selectNodes } from '../../db/drafts/ownership-queries.ts';
import type { Sleep } from '../../lib/clock.ts';

/** Five heartbeats: a node without one of them is dead. */
const WAIT_MS = 5_000;

/** Looks whether nodes on this database send heartbeats, and removes those that do not. @returns the number that do */
export async function livingNodes(database: Database, sleep: Sleep, signal?: AbortSignal): Promise<number> {
  const before = await selectNodes(database);
  if (before.length === 0) return 0;
  await sleep(WAIT_MS, signal);
  for (const { id, beat } of before) await buryNode(database, id, beat);
  return (await selectNodes(database)).length;
}
