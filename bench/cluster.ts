import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DraftLogConfig } from '../src/config.ts';
import { connect } from '../src/db/client.ts';
import { startCluster } from '../src/db/embedded/embedded.ts';
import { migrateToLatest } from '../src/db/migrations.ts';
import { Disposal } from '../src/lib/async/disposal.ts';
import { hasNats, startNats } from '../test/support/network/nats.ts';
import type { Answer, NodeConfig, Order } from './cluster/node.ts';

/** A token of every draft each 50 ms: 20 tokens a second, faster than people read. */
const STEP_MS = 50;
const TOKENS = 100;
const READERS = 5;
const LEVELS = [8, 16, 32, 64, 128];
/** A node sustains what reaches 99 of 100 readers within this. */
const SUSTAINED_P99_MS = 250;

/**
 * One node writes, one or two others serve readers: milliseconds from a token's sampling until a reader on another node has
 * it (append, wake-up, read; not its own network), and how many drafts a node writes before that takes too long.
 */
export async function run(): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
  await using disposal = new Disposal();
  disposal.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startCluster({ directory: join(folder, 'postgres') });
  disposal.defer(() => postgres.stop());
  const logs: Record<string, DraftLogConfig> = { postgres: { kind: 'postgres' } };
  if (hasNats) {
    const nats = await startNats();
    disposal.defer(nats.stop);
    logs.jetstream = { kind: 'nats', url: nats.url, replicas: 1 };
  } else console.log('nats-server is not installed: PostgreSQL alone is measured');
  const figures: Record<string, number> = {};
  for (const [name, log] of Object.entries(logs)) {
    for (const serving of [1, 2]) {
      const database = `${name}_${serving}`;
      await using admin = connect(postgres.url(), { connections: 1 });
      await admin.sql`create database ${admin.sql(database)}`;
      await migrateToLatest(postgres.url(database));
      const nodes = `${name}_${serving + 1}_nodes`;
      for (const [figure, value] of Object.entries(await measure(postgres.url(database), log, serving))) {
        figures[`${nodes}_${figure}`] = value;
      }
    }
  }
  return figures;
}

async function measure(databaseUrl: string, log: DraftLogConfig, serving: number): Promise<Record<string, number>> {
  const writer = await startNode({ databaseUrl, log, stepMs: STEP_MS });
  const readers = await Promise.all(
    Array.from({ length: serving }, () => startNode({ databaseUrl, log, stepMs: null })),
  );
  let sustained = 0;
  let first = { p50: NaN, p99: NaN };
  let peak = 0;
  await rehearse(writer, readers);
  for (const drafts of LEVELS) {
    const { delays, peakRssMb } = await level(writer, readers, drafts);
    const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
    console.log(
      `${log.kind}, ${serving + 1} nodes, ${drafts} drafts: p50 ${p50} ms, p99 ${p99} ms, serving node ${peakRssMb} MB`,
    );
    if (drafts === LEVELS[0]) first = { p50, p99 };
    peak = peakRssMb;
    if (p99 > SUSTAINED_P99_MS) break;
    sustained = drafts;
  }
  for (const node of [writer, ...readers]) node.disconnect();
  return { p50_ms: first.p50, p99_ms: first.p99, drafts_sustained: sustained, serving_peak_rss_mb: peak };
}

/** Until the compilers have seen the code. */
const rehearse = (writer: ChildProcess, readers: readonly ChildProcess[]) => level(writer, readers, 4);

async function level(writer: ChildProcess, readers: readonly ChildProcess[], drafts: number) {
  const { ids } = await tell(writer, { type: 'write', drafts, tokens: TOKENS }, 'written');
  const read = await Promise.all(readers.map((node) => tell(node, { type: 'read', ids, readers: READERS }, 'read')));
  return { delays: read.flatMap(({ delaysMs }) => delaysMs), peakRssMb: Math.max(...read.map((one) => one.peakRssMb)) };
}

async function startNode(config: NodeConfig): Promise<ChildProcess> {
  const node = fork('bench/cluster/node.ts', [JSON.stringify(config)], { execArgv: ['--import', 'tsx'] });
  await once(node, 'message');
  return node;
}

async function tell<Type extends Answer['type']>(
  node: ChildProcess,
  order: Order,
  _: Type,
): Promise<Extract<Answer, { type: Type }>> {
  const answered = once(node, 'message') as Promise<[Extract<Answer, { type: Type }>]>;
  node.send(order);
  return (await answered)[0];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? NaN) * 10) / 10;
}
