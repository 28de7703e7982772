import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '../src/db/client.ts';
import { startCluster } from '../src/db/embedded.ts';
import { Disposal } from '../src/lib/disposal.ts';
import { randomStream } from '../src/lib/random.ts';
import { writeTirelessCatalogue } from '../test/support/tiny-engine.ts';
import { unleash } from './storm/chaos.ts';
import { check, sum, type Findings } from './storm/checker.ts';
import { StormNode, type Role } from './storm/nodes.ts';
import { readThroughStorm } from './storm/reader.ts';

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
}

interface Input {
  kind: 'STORY';
  prompt: string;
  visibility: 'SHARED';
  sampling: { seed: number; maxTokens: number };
  idempotencyKey: string;
}

type Outcome = Findings & { reconnects: number; kills: number; drafts: number; texts_equal: boolean };

const ROLES: readonly Role[] = ['all', 'engine', 'api'];

async function run(storm: Storm): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-storm-'));
  await using stack = new Disposal();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const directory = join(folder, 'postgres');
  const cluster = await startCluster({ directory, settings: { max_connections: '200' } });
  stack.defer(() => cluster.stop());
  const models = await writeTirelessCatalogue(folder);
  const databaseOf = async (name: string): Promise<string> => {
    await using admin = connect(cluster.url(), { connections: 1 });
    await admin.sql.unsafe(`create database ${name}`);
    return cluster.url(name);
  };
  const databaseUrl = await databaseOf('storm');
  const nodes: StormNode[] = [];
  for (const role of ROLES) {
    await mkdir(join(folder, role));
    nodes.push(stack.use(await StormNode.start({ role, folder, databaseUrl, models })));
  }
  const weathered = await weather(storm, nodes, directory);
  for (const node of nodes) await node.kill();

  const quiet = stack.use(
    await StormNode.start({ role: 'all', folder, databaseUrl: await databaseOf('quiet'), models }),
  );
  const findings: Findings[] = [];
  let equal = true;
  for (const { input, seen, text } of weathered.drafts) {
    const calm = await wholeOf(quiet.port, (await startDraft([quiet.port], input, () => 0)).id);
    equal &&= text === calm.text;
    findings.push(...seen.map((keys) => check(calm.keys, keys)));
  }
  const { reconnects, kills } = weathered;
  return { reconnects, kills, drafts: weathered.drafts.length, ...sum(findings), texts_equal: equal };
}

/** The storm itself. @returns what every reader of every draft saw, and each draft's text */
async function weather(storm: Storm, nodes: readonly StormNode[], directory: string) {
  const random = randomStream(storm.seed);
  const ports = nodes.filter(({ role }) => role !== 'engine').map(({ port }) => port);
  const over = new AbortController();
  let reconnects = 0;
  const onConnect = (): void => {
    if (++reconnects >= storm.reconnects) over.abort();
  };
  const drafts: { input: Input; seen: string[][]; text: string }[] = [];
  const perDraft = Math.ceil(storm.readers / storm.drafts);
  /** One draft after another, with its readers. */
  const lane = async (): Promise<void> => {
    do {
      const input = inputOf(storm, drafts.length);
      const entry = { input, seen: [] as string[][], text: '' };
      drafts.push(entry);
      const draft = await startDraft(ports, input, random);
      const readers = Array.from({ length: perDraft }, (_, i) =>
        readThroughStorm({
          draft,
          listener: `reader-${i}`,
          random,
          ports,
          stayMs: 3_000,
          onConnect,
          calm: over.signal,
        }),
      );
      entry.seen = await Promise.all(readers);
      entry.text = (await patiently(() => wholeOf(ports[0] ?? 0, draft.id))).text;
    } while (!over.signal.aborted);
  };
  const chaos = unleash({ nodes, directory, random, everyMs: storm.everyMs, calm: over.signal });
  const told = setInterval(() => console.error(`${reconnects} reconnects, ${drafts.length} drafts`), 10_000);
  await Promise.all(Array.from({ length: storm.drafts }, lane));
  clearInterval(told);
  return { reconnects, kills: await chaos, drafts };
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
  __typename ... on StartDraftSuccess { draft { id cursor } } ... on Error { message } } }`;

/** However often the answer is lost: the key makes it one draft. Its log is read from where it begins. */
async function startDraft(ports: readonly number[], input: Input, random: () => number) {
  type Answer = { startDraft: { message?: string; draft?: { id: string } } };
  return patiently(async () => {
    const port = ports[Math.floor(random() * ports.length)] ?? 0;
    const { draft, message } = (await ask<Answer>(port, START, { input })).startDraft;
    if (draft) return fromItsBeginning(draft.id);
    throw new Error(message);
  });
}

function fromItsBeginning(id: string): { id: string; cursor: string } {
  const uuid = Buffer.from(id, 'base64url')
    .toString()
    .replace(/^Draft:/, '');
  return { id, cursor: Buffer.from(JSON.stringify([`draft:${uuid}`, 0])).toString('base64url') };
}

/** Reads a finished or running draft to its end on one connection. */
async function wholeOf(port: number, id: string): Promise<{ text: string; keys: string[] }> {
  const draft = fromItsBeginning(id);
  const calm = AbortSignal.abort();
  const keys = await readThroughStorm({
    ...{ draft, listener: 'storm', random: () => 0.5, ports: [port], stayMs: 0, onConnect: () => undefined, calm },
  });
  type Answer = { draft: { text: string } };
  const { text } = (await ask<Answer>(port, 'query ($id: ID!) { draft(id: $id) { text } }', { id })).draft;
  return { text, keys };
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
    headers: { 'content-type': 'application/json', 'x-listener-id': 'storm' },
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
    stay: { type: 'string', default: '10000' },
    every: { type: 'string', default: '1000' },
  },
});
const build = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (build.status !== 0) process.exit(1);
const number = (name: keyof typeof values): number => Number(values[name]);
const outcome = await run({
  ...{ seed: number('seed'), reconnects: number('reconnects'), readers: number('readers'), drafts: number('drafts') },
  ...{ tokens: number('tokens'), stayMs: number('stay'), everyMs: number('every') },
});
console.log(JSON.stringify(outcome));
const { lost, doubled, reordered, texts_equal: equal } = outcome;
process.exit(lost + doubled + reordered === 0 && equal ? 0 : 1);
