import type { DraftLogConfig } from '../../src/config.ts';
import { connect } from '../../src/db/client.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { createDrafts, joinNodes, openLogStore } from '../../src/drafts/drafts.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { createRemoteEngine } from '../../src/ml/engine.ts';
import { PacedEngine } from './paced-engine.ts';

/** What the bench tells a node to do, and what comes of it. */
export type Order =
  { type: 'write'; drafts: number; tokens: number } | { type: 'read'; ids: readonly string[]; readers: number };
export type Answer =
  { type: 'ready' } | { type: 'written'; ids: string[] } | { type: 'read'; delaysMs: number[]; peakRssMb: number };

export interface NodeConfig {
  databaseUrl: string;
  log: DraftLogConfig;
  /** A node that writes takes a step so often. */
  stepMs: number | null;
}

const { databaseUrl, log: config, stepMs } = JSON.parse(process.argv[2] ?? '') as NodeConfig;
const database = connect(databaseUrl);
const [clock, log] = [systemClock, silentLogger];
const wakeups = await openWakeups(database, log);
const paced = stepMs === null ? null : new PacedEngine(stepMs);
const node = await joinNodes({ database, wakeups, log, models: () => paced?.models() ?? [] });
const engine = paced ?? createRemoteEngine(() => node.models());
const { store } = await openLogStore({ database, config, wakeups });
const drafts = createDrafts({
  database,
  engine,
  wakeups,
  clock,
  log,
  store,
  node,
  backlog: paced ? null : { queue: 1 },
});
const viewer = {
  listener: await createListeners({ database, wakeups, clock }).ensure('bench'),
  roles: new Set(['LISTENER'] as const),
};

async function write(count: number, maxTokens: number): Promise<string[]> {
  const start = () =>
    drafts.start(viewer, { kind: 'POEM', prompt: 'pace', form: { preset: 'FREE' }, sampling: { maxTokens } });
  return (await Promise.all(Array.from({ length: count }, start))).map(({ id }) => id);
}

/** Milliseconds from sampling to delivery, of every token to every reader. */
async function read(ids: readonly string[], readers: number): Promise<number[]> {
  const delays: number[] = [];
  const follow = async (id: string): Promise<void> => {
    for await (const event of drafts.follow(viewer, id, null)) {
      if (event.type !== 'tokens') continue;
      const now = process.hrtime.bigint();
      for (const { text } of event.tokens) delays.push(Number(now - BigInt(text.trim())) / 1e6);
    }
  };
  await Promise.all(ids.flatMap((id) => Array.from({ length: readers }, () => follow(id))));
  return delays;
}

const answer = (message: Answer): void => void process.send?.(message);

async function obey(order: Order): Promise<void> {
  if (order.type === 'write') answer({ type: 'written', ids: await write(order.drafts, order.tokens) });
  else {
    const delaysMs = await read(order.ids, order.readers);
    answer({ type: 'read', delaysMs, peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024) });
  }
}

process.on('message', (order) => void obey(order as Order));
process.on('disconnect', () => process.exit(0));
answer({ type: 'ready' });
