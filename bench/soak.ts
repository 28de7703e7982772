import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openPrompts, type Prompts } from './engine/prompts.ts';
import { cancelDraft, type Client, followDraft, Readers, startDraft } from './support/draft-client.ts';
import { rssMb } from './support/processes.ts';
import { median, round } from './support/statistics.ts';
import { prepareModel, startWriterServer } from './support/writer-server.ts';

/** As many as are written at a time, and a few that wait. */
const WRITERS = 20;
const LONGEST = { prompt: 480, text: 256 };
const SAMPLE_MS = 1_000;
const MOST_GROWTH = 0.05;

/**
 * `npm run soak -- --minutes 60`: the whole server under full load. Drafts of all lengths are read to their end, left and
 * come back to, or cancelled. Fails when the server's memory grows by more than 5 % after the first sixth of the time, in
 * which caches fill and the heap finds its size.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({ args, options: { minutes: { type: 'string', default: '60' } } });
  const lasts = Number(values.minutes) * 60_000;
  if (!(lasts > 0)) throw new Error('npm run soak -- --minutes N');
  const { modelsDir, ggufPath } = await prepareModel();
  const prompts = await openPrompts(ggufPath);
  await using server = await startWriterServer({ modelsDir, threads: 2 });
  await using readers = new Readers(server.wsUrl);
  const counts: Counts = { drafts: 0, tokens: 0 };
  const write = () => readers.with((client) => writeUntil(ends, client, prompts, counts));
  await touchCaches(readers, prompts);
  const ends = performance.now() + lasts;
  const samples = sampleUntil(ends, server.process);
  await Promise.all(Array.from({ length: WRITERS }, write));
  return judge(await samples, counts);
}

/** A slot's cache takes memory as far as texts have reached: on a slow machine the longest come late, and look like growth. */
async function touchCaches(readers: Readers, prompts: Prompts): Promise<void> {
  const sampling = { maxTokens: LONGEST.text };
  const writeLongest = async (client: Client) => {
    const { text } = prompts.story(LONGEST.prompt);
    await readSome(client, await startDraft(client, { kind: 'STORY', prompt: text, sampling }), Infinity);
  };
  await Promise.all(Array.from({ length: WRITERS }, () => readers.with(writeLongest)));
}

interface Counts {
  drafts: number;
  tokens: number;
}

async function writeUntil(ends: number, client: Client, prompts: Prompts, counts: Counts): Promise<void> {
  while (performance.now() < ends) {
    const { text } = prompts.story(80 + Math.floor(Math.random() * (LONGEST.prompt - 80)));
    const maxTokens = 16 + Math.floor(Math.random() * (LONGEST.text - 16));
    const draft = await startDraft(client, { kind: 'STORY', prompt: text, sampling: { maxTokens } });
    const until = Math.random() < 0.25 ? Math.floor(Math.random() * maxTokens) : Infinity;
    const read = await readSome(client, draft, until);
    counts.tokens += read;
    if (Math.random() < 0.5) await cancelDraft(client, draft);
    else await readSome(client, draft, Infinity);
    counts.drafts++;
  }
}

/** @returns how many tokens there were before the end, or before this reader leaves */
async function readSome(client: Client, draft: { id: string; cursor: string }, until: number): Promise<number> {
  let tokens = 0;
  for await (const event of followDraft(client, draft)) {
    tokens += event.tokens?.length ?? 0;
    if (tokens >= until) break;
  }
  return tokens;
}

/** @returns the process's memory, in MB, second by second */
async function sampleUntil(ends: number, process: ChildProcess): Promise<number[]> {
  const samples: number[] = [];
  while (performance.now() < ends) {
    samples.push(await rssMb(process));
    if (samples.length % 60 === 0) console.log(`${samples.length / 60} min: ${samples.at(-1)?.toFixed(0)} MB`);
    await delay(SAMPLE_MS);
  }
  return samples;
}

/** The second sixth of the time against the last. */
function judge(samples: readonly number[], { drafts, tokens }: Counts): Record<string, number> {
  const sixth = Math.floor(samples.length / 6);
  const [before, after] = [median(samples.slice(sixth, 2 * sixth)), median(samples.slice(-sixth))];
  const growth = after / before - 1;
  console.log(`${drafts} drafts, ${tokens} tokens; memory ${before.toFixed(0)} MB, at the end ${after.toFixed(0)} MB`);
  if (!(growth <= MOST_GROWTH)) {
    console.error(`Memory grew by ${(100 * growth).toFixed(1)} %: more than ${100 * MOST_GROWTH} %`);
    process.exitCode = 1;
  }
  return { rss_growth: round(growth), rss_before_mb: round(before, 0), rss_after_mb: round(after, 0), drafts, tokens };
}
