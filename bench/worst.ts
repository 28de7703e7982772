import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'graphql';
import { loadConfig } from '../src/config.ts';
import { randomStream } from '../src/lib/random.ts';
import { buildSchema } from '../src/schema/schema.ts';
import { OperationCosts } from '../src/transport/cost/operation-costs.ts';
import { startCadenza, stop } from './support/processes.ts';
import { median, round } from './support/statistics.ts';
import { Operations, type Selection, type Shape, textOf } from './worst/operations.ts';
import { type Taken, Target } from './worst/target.ts';

/** What is kept to go on from. */
const BEST = 16;
/** Of each of the best, once the search is over; the figure is the median. */
const REPEATS = 5;
const REFUSALS = 200;
/** Below it what every request takes is more than its own cost. */
const LEAST_COST = 10_000;

interface Found {
  selections: Selection[];
  text: string;
  cost: number;
  cpuMs: number;
  databaseMs: number;
  bytes: number;
}

/**
 * The most expensive operations that the limits let through, by a seeded search over the schema: operations are drawn at
 * random and changed where that made them more expensive, within the larger of the default budgets. CPU is that of the
 * server's process, with that of its database told apart. And what it takes to refuse those over the budget.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({
    args,
    options: { operations: { type: 'string', default: '400' }, seed: { type: 'string', default: '1' } },
  });
  const { budget, staffBudget } = loadConfig({ CADENZA_JWT_SECRET: 'x'.repeat(32) }).cost;
  const most = Math.max(budget, staffBudget);
  const dataDir = await mkdtemp(join(tmpdir(), 'cadenza-worst-'));
  const server = await startCadenza({ dataDir, env: { CADENZA_COST_BUDGET: String(most) } });
  try {
    const target = new Target(server, join(dataDir, 'postgres', 'data'));
    const search = new Search(target, await shapeOf(target), Number(values.seed), most);
    const found = await search.run(Number(values.operations));
    const best = await again(target, found);
    for (const one of best.slice(0, 5)) print(one);
    return {
      operations: Number(values.operations),
      worst_cpu_ms: round(Math.max(...best.map(({ cpuMs }) => cpuMs))),
      worst_database_ms: round(Math.max(...best.map(({ databaseMs }) => databaseMs))),
      worst_bytes: Math.max(...found.map(({ bytes }) => bytes)),
      refusal_cpu_ms: round(await refusing(target, search.refused)),
    };
  } finally {
    await stop(server.process);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Ids and words that lead somewhere, of a viewer with a history and preferences. */
async function shapeOf(target: Target): Promise<Shape> {
  const { tracks } = await target.data<{ tracks: { nodes: { id: string; artist: { id: string } }[] } }>(
    '{ tracks(first: 60) { nodes { id artist { id } } } }',
  );
  const ids = tracks.nodes.map(({ id }) => `"${id}"`);
  const input = tracks.nodes.map(({ id }, i) => `{ trackId: "${id}", kind: ${i % 2 ? 'LIKE' : 'PLAY'} }`);
  await target.data(`mutation { recordFeedbackBatch(input: [${input.join(' ')}]) { __typename } }`);
  await target.data(
    'mutation { setPreferences(input: { genres: [{ genre: "jazz", weight: 1 }], tags: ["piano"], text: "slow" }) { __typename } }',
  );
  const { viewer } = await target.data<{ viewer: { id: string } }>('{ viewer { id } }');
  const things = [...ids, ...tracks.nodes.map(({ artist }) => `"${artist.id}"`), `"${viewer.id}"`];
  const pools = {
    ...{ id: things, ids: things, trackId: ids, seedTrackIds: ids, excludeTrackIds: ids, externalId: ['"demo"'] },
    ...{ search: ['"a"', '"love"', '"piano jazz"'], text: ['"slow piano jazz"', '"loud"'], after: ['null'] },
  };
  return { depth: 11, width: 4, lengths: [1, 3, 10, 30, 100, 100], pools, without: [] };
}

class Search {
  readonly refused: string[] = [];
  readonly #target: Target;
  readonly #operations: Operations;
  readonly #random: () => number;
  readonly #most: number;
  readonly #schema = buildSchema();
  readonly #costs = new OperationCosts(this.#schema);
  #best: Found[] = [];
  #underpriced: Found[] = [];

  constructor(target: Target, shape: Shape, seed: number, most: number) {
    this.#target = target;
    this.#random = randomStream(seed);
    this.#operations = new Operations(this.#schema, this.#random, shape);
    this.#most = most;
  }

  /** @returns the most expensive operations, the most expensive first */
  async run(operations: number): Promise<Found[]> {
    for (let tried = 0; tried < operations;) {
      const selections = this.#next();
      const text = textOf(selections);
      const cost = this.#costOf(text);
      if (cost > this.#most) {
        if (this.refused.length < REFUSALS) this.refused.push(text);
        continue;
      }
      tried++;
      const taken = await this.#target.take(text);
      if (taken) this.#keep({ selections, text, cost, ...taken });
    }
    return this.#best;
  }

  #next(): Selection[] {
    // What takes most, and what takes most for its price: the one is grown, the other found.
    const from = this.#random() < 0.5 ? this.#best : this.#underpriced;
    const one = from[Math.floor(this.#random() * from.length)];
    if (!one || this.#random() < 0.25) return this.#operations.draw();
    let { selections } = one;
    for (let changes = 1 + Math.floor(this.#random() * 4); changes > 0; changes--) {
      selections = this.#operations.changed(selections);
    }
    return selections;
  }

  #costOf(text: string): number {
    return this.#costs.of({ schema: this.#schema, document: parse(text) });
  }

  #keep(found: Found): void {
    this.#best = [...this.#best, found].sort((a, b) => total(b) - total(a)).slice(0, BEST);
    if (found.cost < LEAST_COST) return;
    this.#underpriced = [...this.#underpriced, found]
      .sort((a, b) => total(b) / b.cost - total(a) / a.cost)
      .slice(0, BEST);
  }
}

const total = ({ cpuMs, databaseMs }: Found): number => cpuMs + databaseMs;

/** A figure of one run may be the compiler's or the garbage collector's. */
async function again(target: Target, found: readonly Found[]): Promise<Found[]> {
  const measured: Found[] = [];
  for (const one of found) {
    const runs: Taken[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const taken = await target.take(one.text);
      if (taken) runs.push(taken);
    }
    const middle = (figure: 'cpuMs' | 'databaseMs') => median(runs.map((taken) => taken[figure]));
    measured.push({ ...one, cpuMs: middle('cpuMs'), databaseMs: middle('databaseMs') });
  }
  return measured.sort((a, b) => total(b) - total(a));
}

function print({ cpuMs, databaseMs, bytes, cost, text }: Found): void {
  const figures = `${cpuMs.toFixed(1)} ms of CPU, ${databaseMs.toFixed(1)} of the database, ${bytes} bytes, cost ${cost}`;
  console.log(`${figures}\n  ${text.length > 400 ? `${text.slice(0, 400)}…` : text}`);
}

/** Milliseconds of CPU for one refusal, each a text that the server has not seen. */
async function refusing(target: Target, texts: readonly string[]): Promise<number> {
  const send = async (round: number): Promise<void> => {
    for (const text of texts) await target.post(`${text} # ${round}`);
  };
  await send(0);
  const before = await target.cpuMs();
  await send(1);
  return ((await target.cpuMs()) - before) / texts.length;
}
