import { once } from 'node:events';
import { type Client, followDraft, Readers, startDraft } from '../support/draft-client.ts';
import { forgetPeakRss, peakRssMb, type ServerProcess } from '../support/processes.ts';
import { startWriterServer, type WriterServerOptions } from '../support/writer-server.ts';
import type { Side } from './side.ts';
import type { Arrival, Prompt, Work, Written } from './work.ts';

export interface EventLoopDelay {
  p99: number;
  max: number;
}

/** Our whole server, as its users reach it. */
export interface GraphqlSide extends Side {
  /** Starts one draft and follows it to its end. @param start of the clock that arrivals are of */
  writeOne(prompt: Prompt, tokens: number, start: number, onFirst?: () => void): Promise<Arrival[]>;
  /** How late the event loop of the server's main thread was, and the most memory it had, while it did this. */
  watch(work: () => Promise<unknown>): Promise<{ delay: EventLoopDelay; peakRssMb: number }>;
}

/** A new server on a database and a data folder of its own, with the demo and the recommender it trains. */
export async function startGraphqlSide(options: WriterServerOptions): Promise<GraphqlSide> {
  const probe = new URL('event-loop-probe.mjs', import.meta.url).href;
  const server = await startWriterServer({ ...options, nodeArguments: ['--import', probe] });
  const readers = new Readers(server.wsUrl);
  return {
    write: ({ prompts, tokens }) => writeAll(readers, prompts, tokens),
    writeOne: (...what) => readers.with((reader) => writeDraft(reader, ...what)),
    watch: (work) => watch(server, work),
    peakRssMb: () => peakRssMb(server.process),
    async [Symbol.asyncDispose]() {
      await readers[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
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

let seed = 0;

async function writeDraft(
  client: Client,
  { text }: Prompt,
  tokens: number,
  start: number,
  onFirst: () => void = () => undefined,
): Promise<Arrival[]> {
  const input = { kind: 'STORY', prompt: text, sampling: { maxTokens: tokens, seed: seed++ } };
  const arrivals: Arrival[] = [];
  for await (const event of followDraft(client, await startDraft(client, input))) {
    if (!event.tokens) continue;
    arrivals.push({ at: performance.now() - start, tokens: event.tokens.length });
    if (arrivals.length === 1) onFirst();
  }
  return arrivals;
}
