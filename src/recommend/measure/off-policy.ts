import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../../db/client.ts';
import { readRecentLists } from '../../db/recommend/served-list-queries.ts';
import { groupBy } from '../../lib/collections.ts';
import { listFrom } from '../lists/stored-lists.ts';
import type { Serving } from '../model/serving.ts';
import type { OffPolicyEstimate } from './contract.ts';
import { type JudgedList, judgeList } from './judged-list.ts';
import { estimate } from './off-policy-estimate.ts';

/** Maximum number of lists that an estimate reads: the newest that can still be paged through. */
const MOST_LISTS = 1_000;

export interface OffPolicyOptions {
  version: Serving;
  /** When the version's training read the feedback: it has learned from earlier clicks. */
  servedAfter: Date | null;
  /** A version by name, or another one if its weights are not kept. */
  versionOf: (name: string) => Promise<Serving>;
  signal?: AbortSignal | undefined;
}

/** Judges a version by the lists of others, as far as they were served after its training and can still be judged. */
export async function estimateOffPolicy(
  database: Database,
  { version, servedAfter, versionOf, signal }: OffPolicyOptions,
): Promise<OffPolicyEstimate> {
  const judged: JudgedList[] = [];
  let maker = version;
  const source = { ...database, db: database.under(signal) };
  for await (const { rows, clicks } of readRecentLists(source, MOST_LISTS, servedAfter)) {
    const clicked = groupBy(clicks, ({ requestId }) => requestId);
    for (const row of rows) {
      // Versions serve one after the other, so this is rarely another one.
      if (maker.neighbours.version !== row.modelVersion) maker = await versionOf(row.modelVersion);
      if (maker.neighbours.version === row.modelVersion) {
        const tracks = new Set(clicked.get(row.id)?.map(({ trackId }) => trackId));
        judged.push(...judgeList(await listFrom(row), tracks, maker, version));
      }
      // Lets requests be served in between.
      await turn();
      signal?.throwIfAborted();
    }
  }
  return { modelVersion: version.neighbours.version, servedAfter, ...estimate(judged) };
}
