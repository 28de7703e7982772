import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { openProxy } from '../../bench/storm/proxy.ts';
import { ask } from '../support/listening.ts';
import {
  collect,
  type DraftEvent,
  expectOnceAndInOrder,
  followOverSocket,
  followOverSse,
  startDraft,
  textOf,
  tokensOf,
  writerReady,
} from '../support/network/wire.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { canMount, smallDisk } from '../support/postgres/small-disk.ts';
import { dataFolder, startServer, type TestServer } from '../support/server.ts';
import { writeTirelessCatalogue } from '../support/tiny/tiny-engine.ts';

/** `OUTAGE_SECONDS=30 npx vitest run test/main/outages.test.ts` is the long form. */
const seconds = Number(process.env.OUTAGE_SECONDS ?? 1);

interface Outage {
  databaseUrl: string;
  begin: () => void;
  end: () => void;
}

interface Trouble {
  begin: () => void;
  during: () => Promise<void>;
  end: () => void;
}

const story = (seed: number) => ({ kind: 'STORY', prompt: 'A storm', sampling: { maxTokens: 1_500, seed } });

async function overNetwork() {
  const url = new URL((await testDatabase()).url);
  const network = await openProxy(Number(new URL(inject('postgres')).port));
  onTestFinished(() => network[Symbol.asyncDispose]());
  url.port = String(network.port);
  return { databaseUrl: url.href, network };
}

async function refused(): Promise<Outage> {
  const { databaseUrl, network } = await overNetwork();
  return { databaseUrl, begin: () => network.cut(), end: () => network.heal() };
}

async function swallowed(): Promise<Outage> {
  const { databaseUrl, network } = await overNetwork();
  return { databaseUrl, begin: () => network.stall(), end: () => network.heal() };
}

it.each([
  ['refuses connections', refused],
  ['is behind a network that swallows everything', swallowed],
])(
  '[DB6] [DB8] [LOG4] a database that %s: drafts and readers wait and go on, calls say so',
  async (_, outage) => {
    const { databaseUrl, begin, end } = await outage();
    const server = await startServer({ DATABASE_URL: databaseUrl, ...(await writer()) });
    await isWeathered(server, { begin, during: () => saysSo(server), end });
  },
  60_000 + 5_000 * seconds,
);

it.runIf(process.platform === 'linux')(
  '[DB6] [DB8] [LOG4] a database whose processes are stopped: drafts and readers wait and go on, calls say so',
  async () => {
    const dataDir = await dataFolder();
    const server = await startServer({ DATABASE_URL: '', CADENZA_DATA_DIR: dataDir, ...(await writer()) });
    const pid = Number.parseInt(await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
    const signal = (name: NodeJS.Signals) => () => {
      const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
      for (const one of [pid, ...children.trim().split(/\s+/).map(Number)]) process.kill(one, name);
    };
    const [begin, end] = [signal('SIGSTOP'), signal('SIGCONT')];
    await isWeathered(server, { begin, during: () => saysSo(server), end });
  },
  60_000 + 5_000 * seconds,
);

it.runIf(canMount)(
  '[DB7] [LOG4] a disk that is full, with all of the database on it: drafts and readers wait and go on, new ones are refused',
  async () => {
    const dataDir = smallDisk(400 << 10);
    const server = await startServer({ DATABASE_URL: '', CADENZA_DATA_DIR: dataDir, ...(await writer()) });
    const ballast = join(dataDir, 'ballast');
    await isWeathered(server, {
      begin: () => fillUp(ballast),
      during: () => refusesDrafts(server),
      end: () => rmSync(ballast),
    });
  },
  60_000 + 5_000 * seconds,
);

async function writer() {
  return { CADENZA_MODELS: await writeTirelessCatalogue(await dataFolder()), CADENZA_FETCH_MODELS: 'auto' };
}

/** Two drafts with two readers each through an outage that begins in their middle. */
async function isWeathered(server: TestServer, { begin, during, end }: Trouble): Promise<void> {
  await writerReady(server);
  const drafts = await Promise.all([1, 2].map((seed) => startDraft(server, story(seed))));
  const reached = new Set<object>();
  let onAll: (() => void) | null = null;
  const allRead = new Promise<void>((resolve) => (onAll = resolve));
  const read = async (events: AsyncIterable<DraftEvent>): Promise<DraftEvent[]> => {
    const seen: DraftEvent[] = [];
    for await (const event of events) {
      seen.push(event);
      if (event.__typename === 'TokensAppended') reached.add(events);
      if (reached.size === 4) onAll?.();
    }
    return seen;
  };
  const reading = Promise.all(
    drafts.flatMap(({ id, cursor }) => [
      read(followOverSocket(server, { id, after: cursor })),
      read(followOverSse(server, { id, after: cursor })),
    ]),
  );
  const over = { all: false };
  void reading.then(() => (over.all = true));
  await Promise.race([allRead, reading]);
  begin();
  await during();
  expect(over.all).toBe(false);
  end();
  const readers = await reading;
  const undisturbed = await Promise.all([1, 2].map((seed) => startDraft(server, story(seed))));
  for (const [i, events] of readers.entries()) {
    const { id } = undisturbed[i >> 1] ?? { id: '' };
    const whole = await collect(followOverSocket(server, { id }));
    expectOnceAndInOrder(events);
    expect(tokensOf(events)).toHaveLength(1_500);
    expect(textOf(events)).toBe(textOf(whole));
  }
}

function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let size = 1 << 20; size > 0;) {
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) size = 0;
      } catch {
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Starts drafts until one is refused, and from then on as long as the trouble is to last. */
async function refusesDrafts(server: TestServer): Promise<void> {
  const start = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { __typename } }`;
  const begun = performance.now();
  for (let refused = 0; refused < 2 || performance.now() - begun < 1_000 * seconds;) {
    const { errors } = await ask(`${server.url}/graphql`, start, { input: story(3) });
    if (errors) expect(['DISK_FULL', 'SERVICE_UNAVAILABLE']).toContain(errors[0]?.extensions?.code);
    if (errors) refused++;
  }
}

/** Every kind of call, again and again as long as the outage is to last, and each at least twice. */
async function saysSo(server: TestServer): Promise<void> {
  // What needs no database is served without it.
  for (const path of ['/graphql', '/docs']) {
    const page = await fetch(`${server.url}${path}`, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    await page.text();
  }
  const start = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { __typename } }`;
  const calls: [string, object?][] = [
    [start, { input: story(3) }],
    ['{ recommendations(first: 3) { nodes { score } } }'],
    ['{ tracks(first: 1) { nodes { id } } }'],
    ['{ viewer { drafts(first: 1) { totalCount } } }'],
  ];
  const begun = performance.now();
  for (let rounds = 0; rounds < 2 || performance.now() - begun < 1_000 * seconds; rounds++) {
    const answers = await Promise.all(
      calls.map(([query, variables]) => ask(`${server.url}/graphql`, query, { ...variables })),
    );
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions?.code);
    expect(codes).toEqual(calls.map(() => 'SERVICE_UNAVAILABLE'));
    const health = await fetch(`${server.url}/health/ready`);
    expect(health.status).toBe(503);
  }
}
