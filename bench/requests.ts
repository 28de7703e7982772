import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Until the compiler has settled: both servers go on getting faster for thousands of requests. */
const WARM_UP = 3_000;
const ROUNDS = 9;
const REQUESTS = 500;
const CONCURRENCY = 8;
/** Linux counts process time in ticks of 10 ms. */
const MS_PER_TICK = 10;

const query = /* GraphQL */ `
  query Recommendations($diversity: Float = 0.2) {
    recommendations(first: 20, diversity: $diversity) {
      requestId
      modelVersion
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        cursor
        node {
          rank
          score
          scoreRank
          track {
            id
            title
            album
            releaseYear
            durationMs
            explicit
            popularity
            artist {
              id
              name
            }
            genres {
              slug
              name
            }
            tags(first: 5) {
              name
              weight
            }
          }
          explanation {
            summary
            baseline
            reasons(first: 3) {
              __typename
              contribution
              summary
            }
            remainder(first: 3)
          }
        }
      }
    }
  }
`;

interface Target {
  name: string;
  url: string;
  process: ChildProcess;
}

/**
 * Server CPU per `recommendations(first: 20)` request: ours on the demo data, against bare Yoga returning the same JSON.
 * Both servers live through the whole run and take turns, so that a slow spell of the machine hits both. Two kinds of
 * request: the same list again, as when a page is opened anew, and a list that nobody has asked for yet (another
 * `diversity` each time), so that it is ranked, diversified, explained and stored.
 */
export async function run(): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
  const ours = await startOurs(folder);
  const children = [ours.process];
  try {
    await warmTaste(ours.url);
    const answer = join(folder, 'answer.json');
    await writeFile(answer, await post(ours.url, { query }));
    const bare = await startBareYoga(answer);
    children.push(bare.process);
    return await compare(ours, bare);
  } finally {
    await Promise.all(children.map(stop));
    await rm(folder, { recursive: true, force: true });
  }
}

type Kind = 'again' | 'fresh';

async function compare(ours: Target, bare: Target): Promise<Record<string, number>> {
  for (const target of [ours, bare]) await load(target.url, WARM_UP, 'fresh');
  const ms: Record<Kind, Record<string, number[]>> = { again: { ours: [], bare: [] }, fresh: { ours: [], bare: [] } };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ['again', 'fresh'] as const) {
      for (const target of [ours, bare]) ms[kind][target.name]?.push(await cpuPerRequest(target, kind));
    }
  }
  const of = (kind: Kind, name: string) => median(ms[kind][name] ?? []);
  const peak = { ours: await peakRssMb(ours.process), bare: await peakRssMb(bare.process) };
  for (const name of ['ours', 'bare'] as const) {
    const [again, fresh] = [of('again', name).toFixed(2), of('fresh', name).toFixed(2)];
    console.log(
      `${name}  ${again} ms of CPU a request, ${fresh} for a list not asked for before, peak ${peak[name]} MB`,
    );
  }
  return {
    recommendations_cpu_ratio: round(of('again', 'ours') / of('again', 'bare')),
    recommendations_fresh_cpu_ratio: round(of('fresh', 'ours') / of('fresh', 'bare')),
    ours_cpu_ms: round(of('again', 'ours')),
    ours_fresh_cpu_ms: round(of('fresh', 'ours')),
    bare_yoga_cpu_ms: round(of('again', 'bare')),
    ours_peak_rss_mb: peak.ours,
  };
}

async function startOurs(folder: string): Promise<Target> {
  const env = {
    ...process.env,
    PORT: '0',
    CADENZA_DATA_DIR: join(folder, 'data'),
    CADENZA_FETCH_MODELS: 'off',
    CADENZA_LOG_FORMAT: 'json',
    CADENZA_LOG_LEVEL: 'info',
  };
  const child = spawn(process.execPath, await startArguments(), { env, stdio: ['ignore', 'pipe', 'inherit'] });
  return { name: 'ours', process: child, url: await firstMatch(child, /http:\/\/127\.0\.0\.1:\d+\/graphql/) };
}

/** Those of `npm start`, without npm's processes around them. */
async function startArguments(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').slice(1);
}

async function startBareYoga(answer: string): Promise<Target> {
  const args = ['--import', 'tsx', 'bench/peers/bare-yoga.ts', 'schema.graphql', answer];
  const env = { ...process.env, NODE_ENV: 'production' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  return { name: 'bare', process: child, url: await firstMatch(child, /http:\/\/127\.0\.0\.1:\d+\/graphql/) };
}

/** Reads the child's output until a line holds the pattern; goes on draining it, or the child would block. */
function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error('the child has no output');
    createInterface(child.stdout).on('line', (line) => {
      const match = pattern.exec(line);
      if (match) resolve(match[0]);
    });
    child.once('exit', (code) =>
      reject(new Error(`the server stopped with code ${code ?? 'none'} before it listened`)),
    );
  });
}

/** A few likes and plays, so that the answer carries history reasons; then a pause until the model has been trained. */
async function warmTaste(url: string): Promise<void> {
  const tracks = await graphql<{ tracks: { nodes: { id: string }[] } }>(url, '{ tracks(first: 20) { nodes { id } } }');
  const input = tracks.tracks.nodes.map(({ id }, i) => ({ trackId: id, kind: i % 2 ? 'LIKE' : 'PLAY' }));
  await graphql(url, 'mutation ($input: [FeedbackInput!]!) { recordFeedbackBatch(input: $input) { __typename } }', {
    input,
  });
  for (let attempt = 0; attempt < 240; attempt++) {
    const answer = await post(url, { query });
    if (answer.includes('HistoryReason')) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('no history reasons after two minutes: the recommender has not trained');
}

async function graphql<Data>(url: string, document: string, variables = {}): Promise<Data> {
  return (JSON.parse(await post(url, { query: document, variables })) as { data: Data }).data;
}

const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });

function post(url: string, body: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const request = httpRequest(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

let asked = 0;

async function load(url: string, requests: number, kind: Kind): Promise<void> {
  let sent = 0;
  const worker = async () => {
    while (sent++ < requests) {
      const diversity = kind === 'again' ? 0.2 : 0.1 + 1e-7 * asked++;
      await post(url, { query, variables: { diversity } });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function cpuPerRequest({ url, process: child }: Target, kind: Kind): Promise<number> {
  const before = await cpuMs(child);
  await load(url, REQUESTS, kind);
  return ((await cpuMs(child)) - before) / REQUESTS;
}

/** User and system time of all the process's threads, from /proc (Linux). */
async function cpuMs({ pid }: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

async function peakRssMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
