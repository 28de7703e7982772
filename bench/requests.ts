import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { peakRssMb, type ServerProcess, startCadenza, startServer, stop } from './support/processes.ts';
import { median, round } from './support/statistics.ts';

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
            album {
              title
            }
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

/**
 * Server CPU per `recommendations(first: 20)` request: ours on the demo data, or with `--data FOLDER` on that folder's
 * Last.fm 2k (17,632 tracks), against bare Yoga returning the same JSON.
 * Both servers live through the whole run and take turns, so that a slow spell of the machine hits both. Two kinds of
 * request: the same list again, as when a page is opened anew, and a list that nobody has asked for yet (another
 * `diversity` each time), so that it is ranked, diversified, explained and stored.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({ args, options: { data: { type: 'string' } } });
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
  const dataDir = join(folder, 'data');
  if (values.data !== undefined) await load2k(values.data, dataDir);
  const ours = await startCadenza({ dataDir, env: { CADENZA_DEMO: values.data === undefined ? 'auto' : 'off' } });
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
type Name = 'ours' | 'bare';

async function compare(ours: ServerProcess, bare: ServerProcess): Promise<Record<string, number>> {
  for (const { url } of [ours, bare]) await load(url, WARM_UP, 'fresh');
  const ms: Record<Kind, Record<Name, number[]>> = { again: { ours: [], bare: [] }, fresh: { ours: [], bare: [] } };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ['again', 'fresh'] as const) {
      ms[kind].ours.push(await cpuPerRequest(ours, kind));
      ms[kind].bare.push(await cpuPerRequest(bare, kind));
    }
  }
  const of = (kind: Kind, name: Name) => median(ms[kind][name]);
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

/** As a person would: imported and trained before the server starts. */
async function load2k(data: string, dataDir: string): Promise<void> {
  for (const args of [['src/cli/database/import.ts', 'lastfm-2k', data], ['src/cli/train.ts']]) {
    const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
      env: { ...process.env, CADENZA_DATA_DIR: dataDir, CADENZA_LOG_FORMAT: 'json' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code ?? 'a signal'}`);
  }
}

function startBareYoga(answer: string): Promise<ServerProcess> {
  const args = ['--import', 'tsx', 'bench/peers/bare-yoga.ts', 'schema.graphql', answer];
  return startServer(args, { NODE_ENV: 'production' });
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

async function cpuPerRequest({ url, process: child }: ServerProcess, kind: Kind): Promise<number> {
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
