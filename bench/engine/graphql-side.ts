import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Client } from 'graphql-ws';
import WebSocket from 'ws';
import { forgetPeakRss, peakRssMb, startCadenza, stop, type ServerProcess } from '../support/processes.ts';
import type { Side } from './side.ts';
import type { Arrival, Prompt, Work, Written } from './work.ts';

export interface EventLoopDelay {
  p99: number;
  max: number;
}

/** Our whole server, as its users reach it. */
export interface GraphqlSide extends Side {
  /** Starts one draft and follows it to its end. @param start of the clock that arrivals are of */
  writeOne(prompt: Prompt, tokens: number, start: number): Promise<Arrival[]>;
  /** How late the event loop of the server's main thread was, and the most memory it had, while it did this. */
  watch(work: () => Promise<unknown>): Promise<{ delay: EventLoopDelay; peakRssMb: number }>;
}

export interface GraphqlSideOptions {
  /** Holds the compiled model. */
  modelsDir: string;
  threads: number;
}

/** A new server on a database and a data folder of its own, with the demo and the recommender it trains. */
export async function startGraphqlSide({ modelsDir, threads }: GraphqlSideOptions): Promise<GraphqlSide> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-server-'));
  await mkdir(join(folder, 'data'));
  await symlink(modelsDir, join(folder, 'data', 'models'));
  const probe = new URL('event-loop-probe.mjs', import.meta.url).href;
  const server = await startCadenza({
    dataDir: join(folder, 'data'),
    env: { CADENZA_THREADS: String(threads), CADENZA_QUEUE: '64', NODE_ENV: 'production' },
    nodeArguments: ['--import', probe],
  });
  await server.said(/"(?!Cadenza )[^"]* is ready"/);
  await server.said(/The recommender is trained/);
  const readers = new Readers(server.url.replace('http', 'ws'));
  return {
    write: ({ prompts, tokens }) => writeAll(readers, prompts, tokens),
    writeOne: (prompt, tokens, start) => readers.with((reader) => writeDraft(reader, prompt, tokens, start)),
    watch: (work) => watch(server, work),
    peakRssMb: () => peakRssMb(server.process),
    async [Symbol.asyncDispose]() {
      await readers[Symbol.asyncDispose]();
      await stop(server.process);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeAll(readers: Readers, prompts: Work['prompts'], tokens: number): Promise<Written> {
  // Connections are there before the clock runs, as those of an open page are.
  const clients = await Promise.all(prompts.map(() => readers.take()));
  const start = performance.now();
  const written = await Promise.all(
    prompts.map((prompt, i) => writeDraft(clients[i] as Client, prompt, tokens, start)),
  );
  clients.forEach((client) => readers.giveBack(client));
  return written;
}

async function watch({ process: child }: ServerProcess, work: () => Promise<unknown>) {
  await forgetPeakRss(child);
  child.send('reset');
  await work();
  child.send('read');
  const [delay] = (await once(child, 'message')) as [EventLoopDelay];
  return { delay, peakRssMb: await peakRssMb(child) };
}

/** A WebSocket for each reader, kept from one draft to the next. */
class Readers implements AsyncDisposable {
  readonly #url: string;
  readonly #all: Client[] = [];
  readonly #free: Client[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async take(): Promise<Client> {
    const free = this.#free.pop();
    if (free) return free;
    const client = createClient({ url: this.#url, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 });
    this.#all.push(client);
    await new Promise<void>((resolve) => client.on('connected', () => resolve()));
    return client;
  }

  giveBack(client: Client): void {
    this.#free.push(client);
  }

  async with<Result>(use: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await this.take();
    try {
      return await use(client);
    } finally {
      this.giveBack(client);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#all) await client.dispose();
  }
}

const START = /* GraphQL */ `
  mutation ($input: StartDraftInput!) {
    startDraft(input: $input) {
      __typename
      ... on StartDraftSuccess {
        draft {
          id
          cursor
        }
      }
      ... on Error {
        message
      }
    }
  }
`;

const FOLLOW = /* GraphQL */ `
  subscription ($id: ID!, $after: DraftCursor) {
    draftEvents(draftId: $id, after: $after) {
      __typename
      ... on TokensAppended {
        cursor
        text
        tokens {
          text
          logprob
        }
      }
      ... on DraftStatusChanged {
        cursor
        status
        finishReason
      }
    }
  }
`;

interface Started {
  startDraft: { __typename: string; message?: string; draft?: { id: string; cursor: string } };
}

interface Followed {
  draftEvents: { __typename: string; tokens?: unknown[]; status?: string };
}

let seed = 0;

async function writeDraft(client: Client, { text }: Prompt, tokens: number, start: number): Promise<Arrival[]> {
  const input = { kind: 'STORY', prompt: text, sampling: { maxTokens: tokens, seed: seed++ } };
  const draft = await startDraft(client, input);
  const arrivals: Arrival[] = [];
  for await (const { draftEvents: event } of results<Followed>(client, FOLLOW, { id: draft.id, after: draft.cursor })) {
    if (event.tokens) arrivals.push({ at: performance.now() - start, tokens: event.tokens.length });
    if (event.status === 'FAILED') throw new Error('a draft failed');
  }
  return arrivals;
}

async function startDraft(client: Client, input: object): Promise<{ id: string; cursor: string }> {
  for await (const { startDraft: started } of results<Started>(client, START, { input })) {
    if (started.draft) return started.draft;
    throw new Error(`${started.__typename}: ${started.message}`);
  }
  throw new Error('startDraft was not answered');
}

async function* results<Data extends object>(client: Client, query: string, variables: Record<string, unknown>) {
  for await (const { data, errors } of client.iterate<Data>({ query, variables })) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    yield data;
  }
}
