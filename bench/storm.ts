import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '../src/db/client.ts';
import { startCluster } from '../src/db/embedded/embedded.ts';
import type { Disposal } from '../src/lib/async/disposal.ts';
import { randomStream } from '../src/lib/random.ts';
import { type Nats, startNats } from '../test/support/network/nats.ts';
import { writeTirelessCatalogue } from '../test/support/tiny/tiny-engine.ts';
import { type Toll, unleash } from './storm/chaos.ts';
import { check, type Findings, sum } from './storm/checker.ts';
import { Lan } from './storm/lan.ts';
import { type Role, StormNode } from './storm/nodes.ts';
import { readThroughStorm } from './storm/reader.ts';
import { authorizationOf } from './storm/tokens.ts';
import { beginningOf } from './support/draft-client.ts';
import { ending } from './support/ending.ts';

/**
 * Three nodes, many drafts, very many readers that come and go, while processes are killed and the network is cut: whatever
 * happens, each reader ends with the draft, and each draft with the text that an undisturbed node writes.
 */
interface Storm {
  seed: number;
  /** The storm goes on until readers have connected so often. */
  reconnects: number;
  readers: number;
  /** At a time: one that has ended is followed by another. */
  drafts: number;
  tokens: number;
  /** How long a reader stays on a connection at most. */
  stayMs: number;
  /** Mean time between two misfortunes. */
  everyMs: number;
  /** Where the logs are. */
  log: 'postgres' | 'nats';
}

interface Input {
  kind: 'STORY';
  prompt: string;
  visibility: 'SHARED';
  sampling: { seed: number; maxTokens: number };
  idempotencyKey: string;
}

/** How a draft has ended. */
interface Ended {
  text: string;
  status: string;
  finishReason: string;
  failure: string | null;
}

type Outcome = Findings & Toll & { reconnects: number; drafts: number; texts_equal: boolean };

const ROLES: readonly Role[] = ['all', 'engine', 'api'];

async function run(storm: Storm, stack: Disposal): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-storm-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const directory = join(folder, 'postgres');
  const starting = startCluster({ directory, settings: { max_connections: '200' } });
  // Known before it has started: a storm that is ended meanwhile waits for it, and stops it.
  stack.defer(async () => (await starting.catch(() => null))?.stop());
  const cluster = await starting;
  const nats = storm.log === 'nats' ? await startNats() : null;
  if (nats) stack.defer(nats.stop);
  const lan = Lan.open();
  if (lan) stack.defer(() => lan[Symbol.dispose]());
  else console.error('no namespaces here: networks are cut by proxies alone');
  const shared = { folder, models: await writeTirelessCatalogue(folder), natsUrl: nats?.url ?? null };
  const databaseOf = async (name: string): Promise<string> => {
    await using admin = connect(cluster.url(), { connections: 1 });
    await admin.sql.unsafe(`create database ${name}`);
    return cluster.url(name);
  };
  const databaseUrl = await databaseOf('storm');
  const nodes: StormNode[] = [];
  for (const role of ROLES) {
    await mkdir(join(folder, role));
    nodes.push(await StormNode.start({ ...shared, role, databaseUrl, lan }, stack));
  }
  const services = [() => killPostgres(directory), ...(nats ? [() => crash(nats)] : [])];
  const weathered = await weather(storm, nodes, services);
  for (const node of nodes) await node.kill();

  const alone = { role: 'all', databaseUrl: await databaseOf('quiet'), natsUrl: null, lan: null } as const;
  const quiet = await StormNode.start({ ...shared, ...alone }, stack);
  const findings: Findings[] = [];
  let equal = true;
  for (const { input, seen, end } of weathered.drafts) {
    const calm = await wholeOf(quiet.port, (await startDraft([quiet.port], input, () => 0)).id);
    if (end?.text !== calm.text) {
      equal = false;
      console.error(describeDifference(input, end, calm));
    }
    findings.push(...seen.map((keys) => check(calm.keys, keys)));
  }
  const { reconnects, toll, drafts } = weathered;
  return { reconnects, ...toll, drafts: drafts.length, ...sum(findings), texts_equal: equal };
}

async function killPostgres(directory: string): Promise<boolean> {
  const file = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(file, 10);
  try {
    return Number.isInteger(pid) && process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

async function crash(nats: Nats): Promise<boolean> {
  await nats.crash?.();
  return nats.crash !== undefined;
}

/** The storm itself. @returns what every reader of every draft saw, and each draft's text */
async function weather(storm: Storm, nodes: readonly StormNode[], services: (() => Promise<boolean>)[]) {
  const random = randomStream(storm.seed);
  const ports = nodes.filter(({ role }) => role !== 'engine').map(({ port }) => port);
  const over = new AbortController();
  let reconnects = 0;
  const onConnect = (): void => {
    if (++reconnects >= storm.reconnects) over.abort();
  };
  const drafts: { input: Input; seen: string[][]; end: Ended | null }[] = [];
  const perDraft = Math.ceil(storm.readers / storm.drafts);
  const tokens = await Promise.all(Array.from({ length: perDraft }, (_, i) => authorizationOf(`reader-${i}`)));
  /** One draft after another, with its readers. */
  const lane = async (): Promise<void> => {
    do {
      const input = inputOf(storm, drafts.length);
      const entry = { input, seen: [] as string[][], end: null as Ended | null };
      drafts.push(entry);
      const draft = await startDraft(ports, input, random);
      const readers = Array.from({ length: perDraft }, (_, i) =>
        readThroughStorm({
          draft,
          authorization: tokens[i] ?? '',
          random,
          ports,
          stayMs: storm.stayMs,
          onConnect,
          calm: over.signal,
        }),
      );
      entry.seen = await Promise.all(readers);
      entry.end = await patiently(() => wholeOf(ports[0] ?? 0, draft.id));
    } while (!over.signal.aborted);
  };
  const chaos = unleash({ nodes, services, random, everyMs: storm.everyMs, calm: over.signal });
  const told = setInterval(() => console.error(`${reconnects} reconnects, ${drafts.length} drafts`), 10_000);
  await Promise.all(Array.from({ length: storm.drafts }, lane));
  clearInterval(told);
  return { reconnects, toll: await chaos, drafts };
}

function describeDifference({ prompt }: Input, end: Ended | null, calm: Ended): string {
  const { status, finishReason, failure, text } = end ?? { status: 'lost', finishReason: '', failure: '', text: '' };
  return `${prompt}: ${status} ${finishReason} ${failure ?? ''}, ${text.length} of ${calm.text.length} characters`;
}

function inputOf({ seed, tokens }: Storm, n: number): Input {
  const maxTokens = Math.floor(tokens * (0.5 + randomStream(seed + n)()));
  const prompt = `Draft ${n}: a storm at sea`;
  return {
    kind: 'STORY',
    prompt,
    visibility: 'SHARED',
    sampling: { seed: seed + n, maxTokens },
    idempotencyKey: `${n}`,
  };
}

const START = `mutation ($input: StartDraftInput!) { startDraft(input: $input) {
  __typename ... on StartDraftSuccess { draft { id } } ... on Error { message } } }`;

const writersToken = authorizationOf('storm');

/** However often the answer is lost: the key makes it one draft. Its log is read from where it begins. */
async function startDraft(ports: readonly number[], input: Input, random: () => number) {
  type Answer = { startDraft: { message?: string; draft?: { id: string } } };
  return patiently(async () => {
    const port = ports[Math.floor(random() * ports.length)] ?? 0;
    const { draft, message } = (await ask<Answer>(port, START, { input })).startDraft;
    if (draft) return { id: draft.id, cursor: beginningOf(draft.id) };
    throw new Error(message);
  });
}

/** Reads a finished or running draft to its end on one connection. */
async function wholeOf(port: number, id: string): Promise<Ended & { keys: string[] }> {
  const draft = { id, cursor: beginningOf(id) };
  const calm = AbortSignal.abort();
  const authorization = await writersToken;
  const keys = await readThroughStorm({
    ...{ draft, authorization, random: () => 0.5, ports: [port], stayMs: 0, onConnect: () => undefined, calm },
  });
  const document = 'query ($id: ID!) { draft(id: $id) { text status finishReason failure } }';
  const { draft: end } = await ask<{ draft: Ended }>(port, document, { id });
  return { ...end, keys };
}

/** Through whatever a storm does to a call; not through what goes on for minutes. */
async function patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (const begun = performance.now(); ;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() - begun > 120_000) throw error;
      await delay(200);
    }
  }
}

async function ask<Data>(port: number, query: string, variables: object): Promise<Data> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await writersToken },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown };
  if (!data || errors) throw new Error(JSON.stringify(errors));
  return data;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    reconnects: { type: 'string', default: '10000' },
    readers: { type: 'string', default: '500' },
    drafts: { type: 'string', default: '40' },
    tokens: { type: 'string', default: '1000' },
    stay: { type: 'string', default: '3000' },
    every: { type: 'string', default: '1000' },
    log: { type: 'string', default: 'postgres' },
  },
});
const build = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (build.status !== 0) process.exit(1);
const number = (name: keyof typeof values): number => Number(values[name]);
const storm: Storm = {
  ...{ seed: number('seed'), reconnects: number('reconnects'), readers: number('readers'), drafts: number('drafts') },
  ...{ tokens: number('tokens'), stayMs: number('stay'), everyMs: number('every') },
  log: values.log === 'nats' ? 'nats' : 'postgres',
};
const outcome = await ending((stack) => run(storm, stack));
console.log(JSON.stringify(outcome));
const { lost, doubled, reordered, texts_equal: equal } = outcome;
process.exit(lost + doubled + reordered === 0 && equal ? 0 : 1);
