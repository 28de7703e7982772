import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '../src/db/client.ts';
import { Disposal } from '../src/lib/async/disposal.ts';
import { Balancer } from './operations/balancer.ts';
import { compare, keepWriting } from './operations/drafts.ts';
import { install, type Installation } from './operations/installation.ts';
import { watchLoops } from './operations/loops.ts';
import type { Reader } from './operations/readers.ts';
import { keepAsking, type Served } from './operations/requests.ts';
import { Timeline } from './operations/timeline.ts';
import { quantile, round } from './support/statistics.ts';

const DRAFTS = 6;
const REQUESTS_A_SECOND = 8;
const DATABASE_AWAY_MS = 10_000;
const NATS_AWAY_MS = 14_000;

/**
 * `npm run bench -- operations [--log nats] [--calm SECONDS]`: an hour of an operator's life in minutes. Three nodes with the
 * real model serve 8 requests a second and 42 readers of six drafts, while each node is restarted, the engine is killed, the
 * database and NATS are stopped, and the whole is put back to how it was a few seconds ago.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const options = { log: { type: 'string', default: 'postgres' }, calm: { type: 'string', default: '20' } } as const;
  const { values } = parseArgs({ args, options });
  const built = spawnSync(process.execPath, ['scripts/compile.mjs'], { stdio: 'inherit' });
  if (built.status !== 0) throw new Error('the build failed');
  await using stack = new Disposal();
  const installation = await install(values.log === 'nats', stack);
  const timeline = new Timeline();
  using balancer = new Balancer(installation.nodes.filter(({ role }) => role !== 'engine'));
  while (balancer.ready < 2) await delay(100);
  const [over, ended] = [new AbortController(), new AbortController()];
  stack.defer(() => ended.abort());
  const asking = keepAsking(balancer, timeline, { perSecond: REQUESTS_A_SECOND, over: over.signal });
  const writing = Promise.all(
    Array.from({ length: DRAFTS }, (_, lane) =>
      keepWriting(balancer, { lane, over: over.signal, ended: ended.signal }),
    ),
  );
  const loops = watchLoops(installation.nodes, over.signal);
  await happen(installation, timeline, Number(values.calm) * 1_000);
  over.abort();
  const readers = (await writing).flat();
  const served = await asking;
  const lag = await loops;

  const texts = await compare(readers, balancer);
  const lostReactions = await countLost(installation.database.url, served, timeline);
  return {
    requests: served.requests,
    requests_refused: served.refused,
    failed_in_outages: served.failedInOutages,
    p50_ms: round(quantile(served.latencies, 0.5), 1),
    p99_ms: round(quantile(served.latencies, 0.99), 1),
    readers: readers.length,
    events_lost: texts.different + lostReactions,
    drafts_undone_by_restore: texts.undone,
    snapshots: readers.reduce((sum, { snapshots }) => sum + snapshots, 0),
    called_dead: installation.heard.calledDead,
    ...longestGaps(readers, timeline),
    event_loop_p99_ms: round(1_000 * lag, 1),
  };
}

const TOLD_GAPS = 5;

/** Waits of readers: with everything there, and after the database or the logs were back. The longest of each are told. */
function longestGaps(readers: readonly Reader[], timeline: Timeline) {
  const gaps = readers
    .flatMap((reader) => reader.gaps)
    .map(({ from, to }) => {
      const outage = timeline.during(from, to);
      return { from, inOutage: outage !== null, seconds: round((to - Math.max(from, outage?.to ?? 0)) / 1_000, 1) };
    });
  const longest = (inOutage: boolean): number => {
    const those = gaps.filter((gap) => gap.inOutage === inOutage).sort((a, b) => b.seconds - a.seconds);
    for (const { from, seconds } of those.slice(0, TOLD_GAPS))
      console.error(`a gap of ${seconds} s${inOutage ? ' after an outage' : ''}, from ${timeline.describe(from)}`);
    return those[0]?.seconds ?? 0;
  };
  return { longest_gap_s: longest(false), longest_gap_after_outage_s: longest(true) };
}

/** What an operator does, one thing after another. */
async function happen({ database, nats, nodes }: Installation, timeline: Timeline, calmMs: number): Promise<void> {
  await delay(calmMs);
  for (const node of nodes) {
    timeline.step(`${node.role}: stops`);
    await node.stop();
    timeline.step(`${node.role}: has stopped, starts again`);
    await node.restart();
    timeline.step(`${node.role}: serves`);
    await delay(calmMs / 2);
  }
  const engine = nodes.find(({ role }) => role === 'engine');
  timeline.step('engine: killed');
  await engine?.kill();
  await delay(calmMs / 2);
  await engine?.restart();
  timeline.step('engine: serves');
  await delay(calmMs);
  await timeline.outage('database', () => database.stopFor(() => delay(DATABASE_AWAY_MS)));
  await delay(calmMs);
  const stopNats = nats?.crash;
  if (stopNats) {
    await timeline.outage('NATS', () => stopNats(() => delay(NATS_AWAY_MS)));
    await delay(calmMs);
  }
  let restoreNats: (() => Promise<void>) | undefined;
  const copy = async (): Promise<void> => {
    database.copy();
    restoreNats = await nats?.backUp?.();
  };
  const restore = async (): Promise<void> => {
    database.restore();
    await restoreNats?.();
  };
  await timeline.outage('backup', () => database.stopFor(copy));
  await delay(calmMs / 2);
  await timeline.outage('restore', () => database.stopFor(restore));
  await delay(2 * calmMs);
}

/** Reactions that were acknowledged and are not there, but for those that the restore undid. */
async function countLost(url: string, { acknowledged }: Served, timeline: Timeline): Promise<number> {
  await using database = connect(url, { connections: 1 });
  const rows = await database.sql<{ key: string }[]>`
    select substring(dedupe_key from 5) as key from feedback where dedupe_key like 'key:operations-%'`;
  const kept = new Set(rows.map(({ key }) => key));
  const [backup, restore] = ['backup', 'restore'].map((name) => timeline.outages.find((one) => one.name === name));
  const isUndone = (at: number): boolean => at > (backup?.from ?? Infinity) && at < (restore?.to ?? -Infinity);
  return acknowledged.filter(({ key, at }) => !isUndone(at) && !kept.has(key)).length;
}
