import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acquiring } from '../src/lib/async/disposal.ts';
import { type Side, startOurs, startPeer } from './fanout/sides.ts';
import { type Work, WORKS } from './fanout/work.ts';
import type { Command, Report } from './peers/fanout-readers.ts';
import { peakRssMb, stop } from './support/processes.ts';
import { median, round } from './support/statistics.ts';

/** The first of each side warms its compiler, and does not count. */
const ROUNDS = 5;
const IDLE_READERS = 2_000;
/** Linux counts process time in ticks of 10 ms. */
const US_PER_TICK = 10_000;

/**
 * Server CPU per delivered event: ours, over the log in PostgreSQL, against Yoga with graphql-ws and createPubSub as they are
 * documented, and against bare ws that sends one shared buffer; neither of these has a log. All three live through the whole
 * run and take turns. Each step waits until every reader has the one before, which keeps Yoga's pub/sub from overflowing, and
 * ours from sending several events as one.
 */
export function run(): Promise<Record<string, number>> {
  return acquiring(async (disposal) => {
    const folder = await mkdtemp(join(tmpdir(), 'cadenza-fanout-'));
    disposal.defer(() => rm(folder, { recursive: true, force: true }));
    const ours = disposal.use(await startOurs(folder));
    const readers = startReaders();
    disposal.defer(() => stop(readers.process));
    const rss = await idleRss(ours, readers);
    const sides = [ours, disposal.use(await startPeer('yoga')), disposal.use(await startPeer('ws'))];
    const ratios = await compare(sides, readers);
    const peak = await Promise.all(
      sides.map(async ({ name, server }) => `${name} ${await peakRssMb(server.process)} MB`),
    );
    console.log(`peak memory: ${peak.join(', ')}`);
    const result = { ...ratios, rss_kb_per_reader: round(rss, 1) };
    await disposal[Symbol.asyncDispose]();
    return result;
  });
}

async function compare(sides: readonly Side[], readers: Readers) {
  const worst = { yoga: 0, ws: 0 };
  for (const work of WORKS) {
    const us = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
    for (let n = 0; n < ROUNDS; n++)
      for (const side of sides) us.get(side.name)?.push(await oneRound(side, readers, work));
    for (const rounds of us.values()) rounds.shift();
    const of = (name: Side['name']): number => median(us.get(name) ?? []);
    const figures = sides.map(
      ({ name }) => `${name} ${of(name).toFixed(1)} (${(us.get(name) ?? []).map((x) => x.toFixed(1)).join(' ')})`,
    );
    console.log(`${work.name}, µs of server CPU a delivered event: ${figures.join(', ')}`);
    worst.yoga = Math.max(worst.yoga, of('ours') / of('yoga'));
    worst.ws = Math.max(worst.ws, of('ours') / of('ws'));
  }
  return { cpu_vs_yoga: round(worst.yoga), cpu_vs_raw_ws: round(worst.ws) };
}

/** µs of server CPU a delivered event, once everybody is there and warm. */
async function oneRound(side: Side, readers: Readers, { drafts, readersEach, steps }: Work): Promise<number> {
  const ids = await side.begin(drafts);
  await readers.join(side, ids, readersEach);
  const warm = await untilAllRead(side, readers, ids);
  const before = await cpuTicks(side.server.process);
  for (let step = 1; step <= steps; step++) {
    await side.publish(ids, warm + step);
    await readers.have(warm + step);
  }
  const ticks = (await cpuTicks(side.server.process)) - before;
  await readers.leave();
  return (ticks * US_PER_TICK) / (steps * drafts * readersEach);
}

/** A subscription is not answered before its first event, so that one is published until everybody has had it. */
async function untilAllRead(side: Side, readers: Readers, ids: readonly string[]): Promise<number> {
  await delay(500);
  await side.publish(ids, 1);
  await readers.have(1);
  return 1;
}

/** kB of resident memory that a reader costs who follows a draft in which nothing happens. */
async function idleRss(side: Side, readers: Readers): Promise<number> {
  const [warm = ''] = await side.begin(1);
  await readers.join(side, [warm], 200);
  await delay(1_000);
  const before = await rssKb(side.server.process);
  const [id = ''] = await side.begin(1);
  await readers.join(side, [id], IDLE_READERS);
  await delay(3_000);
  const cost = ((await rssKb(side.server.process)) - before) / IDLE_READERS;
  await readers.leave();
  await delay(1_000);
  return cost;
}

type Readers = ReturnType<typeof startReaders>;

function startReaders() {
  const child = spawn(process.execPath, ['--import', 'tsx', 'bench/peers/fanout-readers.ts'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ask = async (command: Command, is: (report: Report) => boolean): Promise<void> => {
    const reported = new Promise<void>((resolve, reject) => {
      const gone = (): void => reject(new Error('the readers ended'));
      const look = (report: Report): void => {
        if (!is(report)) return;
        child.off('message', look).off('exit', gone);
        resolve();
      };
      child.on('message', look).once('exit', gone);
    });
    child.send(command);
    await reported;
  };
  return {
    process: child,
    join: ({ server, protocol }: Side, drafts: readonly string[], readersEach: number) => {
      const url = server.url.replace('http', 'ws');
      return ask({ join: { url, protocol, drafts, readersEach } }, (report) => 'joined' in report);
    },
    leave: () => ask({ leave: true }, (report) => 'left' in report),
    /** Resolves when every reader has had so many events since it joined. */
    have: (events: number) => ask({ expect: events }, (report) => 'received' in report && report.received === events),
  };
}

/** User and system time of all the process's threads, from /proc (Linux). */
async function cpuTicks({ pid }: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

async function rssKb({ pid }: ChildProcess): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
}
