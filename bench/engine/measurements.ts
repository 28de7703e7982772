import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../support/statistics.ts';
import type { GraphqlSide } from './graphql-side.ts';
import type { Options, SideName } from './options.ts';
import type { Parts } from './parts.ts';
import { listOf, type Results } from './results.ts';
import { type Arrival, evennessOf, speedOf } from './work.ts';

const PROMPT_TOKENS = 100;
const TOKENS = 64;
/** How many drafts the figures are of that do not say so. */
const EIGHT = 8;
/** No round begins that would end later than this after the first began. */
const LONGEST_MS = 5 * 60_000;

/** Every side writes a little that is not counted: memory is touched, code is compiled. */
export async function warmUp({ sides, prompts }: Parts): Promise<void> {
  for (const side of sides.values()) {
    await side.write({ prompts: [prompts.story(PROMPT_TOKENS), prompts.story(PROMPT_TOKENS)], tokens: 16 });
  }
}

export async function runRounds(parts: Parts, { rounds, drafts }: Options, results: Results): Promise<void> {
  const start = performance.now();
  for (let round = 1; round <= rounds; round++) {
    for (const count of drafts) await writeInTurns(parts, count, Math.max(...drafts), results);
    if (drafts.includes(EIGHT)) await measureKernels(parts, results);
    await measurePrefill(parts, results);
    const each = (performance.now() - start) / round;
    console.log(`round ${round} of ${rounds} done, ${(each / 1000).toFixed(0)} s each`);
    if (each * (round + 1) > LONGEST_MS) return;
  }
}

async function writeInTurns(parts: Parts, count: number, most: number, results: Results): Promise<void> {
  const work = { prompts: fill(count, () => parts.prompts.story(PROMPT_TOKENS)), tokens: TOKENS };
  for (const [name, side] of parts.sides) {
    const write = async () => {
      const written = await side.write(work);
      listOf(speedsOf(results, name), count).push(speedOf(written));
      if (name === 'graphql' && count === EIGHT) results.alone.push(evennessOf(written));
    };
    if (side === parts.graphql && count === most) await watched(parts.graphql, write, results);
    else await write();
  }
}

async function watched(graphql: GraphqlSide, work: () => Promise<void>, results: Results): Promise<void> {
  const { delay, peakRssMb } = await graphql.watch(work);
  results.delays.push(delay);
  results.serverPeakMb.push(peakRssMb);
}

function speedsOf({ speeds }: Results, name: SideName) {
  const known = speeds.get(name) ?? new Map<number, never[]>();
  speeds.set(name, known);
  return known;
}

async function measureKernels({ kernels }: Parts, { kernelsMs }: Results): Promise<void> {
  if (!kernels) return;
  const times = await kernels.call<number[]>('steps', { rows: EIGHT, from: PROMPT_TOKENS, count: TOKENS });
  kernelsMs.push(median(times));
}

/** Eight prompts at once that have nothing in common, until each has its first token. */
async function measurePrefill({ sides, prompts }: Parts, { prefill }: Results): Promise<void> {
  const work = { prompts: fill(EIGHT, () => prompts.fresh(PROMPT_TOKENS)), tokens: 1 };
  for (const [name, side] of sides) {
    if (name === 'graphql') continue;
    const { firstTokensMs } = speedOf(await side.write(work));
    listOf(prefill, name).push((1000 * EIGHT * PROMPT_TOKENS) / firstTokensMs);
  }
}

const LONG_PROMPT = 1_000;

/** Once eight drafts are read, prompts of 1,000 tokens arrive, each as soon as the one before has its text, to the end. */
export async function measureWhilePrefilling({ graphql, prompts }: Parts, results: Results): Promise<void> {
  if (!graphql) return;
  const start = performance.now();
  const state = { reading: 0, writing: true };
  const readOne = () => {
    const onFirst = () => state.reading++;
    return graphql.writeOne(prompts.story(PROMPT_TOKENS), 4 * TOKENS, start, onFirst);
  };
  const eight = Promise.all(fill(EIGHT, readOne)).finally(() => (state.writing = false));
  while (state.reading < EIGHT && state.writing) await delay(1);
  const from = performance.now() - start;
  while (state.writing) await graphql.writeOne(prompts.story(LONG_PROMPT), 4, start);
  const during = (arrivals: readonly Arrival[]) => arrivals.filter(({ at }) => at >= from);
  results.whilePrefilling = evennessOf((await eight).map(during));
}

const PIECE = 512;
const PIECES = 6;

/** What both make of the same text, cut into pieces so that they can be read side by side. */
export async function measurePerplexity({ sides, kernels, prompts }: Parts, results: Results): Promise<void> {
  const llama = sides.get('llama');
  if (!kernels || !llama?.score) return;
  const pieces = prompts.pieces(await readFile('SPEC.md', 'utf8'), PIECE).slice(0, PIECES);
  const tokens = pieces.length * (PIECE - 1);
  const perplexity = (sums: readonly number[]) => Math.exp(-sums.reduce((sum, one) => sum + one, 0) / tokens);
  const ours = perplexity(await kernels.call('score', pieces));
  results.perplexity = { ours, llama: perplexity(await llama.score(pieces)), tokens };
}

const fill = <Value>(count: number, make: () => Value): Value[] => Array.from({ length: count }, make);
