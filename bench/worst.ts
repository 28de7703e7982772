import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/config.ts';
import { randomStream } from '../src/lib/random.ts';
import { buildSchema } from '../src/schema/schema.ts';
import { OperationCosts } from '../src/transport/cost/operation-costs.ts';
import { startCadenza, stop } from './support/processes.ts';
import { round } from './support/statistics.ts';
import type { Kind, Shape } from './worst/operations.ts';
import { type Found, Search, total } from './worst/search.ts';
import { Target } from './worst/target.ts';

/** What any operation may take, and refusing one. */
const MOST_CPU_MS = 250;
const MOST_BYTES = 8 << 20;
const MOST_REFUSAL_MS = 2;

/** The share of the operations that are tried of each kind. Mutations come last, since they change what is there. */
const SHARES: readonly [Kind, number][] = [
  ['query', 0.6],
  ['subscription', 0.15],
  ['mutation', 0.25],
];

/**
 * The most expensive operations that the limits let through, by a seeded search over the schema, within the larger of the
 * default budgets. CPU is that of the server's process, with that of its database told apart. And what it takes to refuse
 * those over the budget. It fails when an operation takes more than it may.
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
    const schema = buildSchema();
    const shared = {
      target,
      schema,
      costs: new OperationCosts(schema),
      most,
      random: randomStream(Number(values.seed)),
    };
    const shape = await shapeOf(target);
    const best: Found[] = [];
    const refused: string[] = [];
    for (const [kind, share] of SHARES) {
      const search = new Search({ ...shared, shape, kind });
      await search.run(Number(values.operations) * share);
      const found = await search.again();
      for (const one of found.slice(0, 3)) print(one);
      best.push(...found);
      refused.push(...search.refused);
    }
    const most_of = (figure: (found: Found) => number): number => round(Math.max(...best.map(figure)));
    const figures = {
      operations: Number(values.operations),
      worst_ms: most_of(total),
      worst_cpu_ms: most_of(({ cpuMs }) => cpuMs),
      worst_database_ms: most_of(({ databaseMs }) => databaseMs),
      worst_bytes: most_of(({ bytes }) => bytes),
      refusal_cpu_ms: round(await refusing(target, refused)),
    };
    const { worst_ms, worst_bytes, refusal_cpu_ms } = figures;
    if (worst_ms > MOST_CPU_MS || worst_bytes > MOST_BYTES || refusal_cpu_ms > MOST_REFUSAL_MS) process.exitCode = 1;
    return figures;
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
  const { modelVersions } = await target.data<{ modelVersions: { modelVersion: string }[] }>(
    '{ modelVersions(first: 1) { modelVersion } }',
  );
  const things = [...ids, ...tracks.nodes.map(({ artist }) => `"${artist.id}"`), `"${viewer.id}"`];
  const pools = {
    ...{
      id: things,
      ids: things,
      trackId: ids,
      seedTrackIds: ids,
      unlikeTrackIds: ids,
      session: ids,
      excludeTrackIds: ids,
      externalId: ['"demo"'],
    },
    ...{ search: ['"a"', '"love"', '"piano jazz"'], text: ['"slow piano jazz"', '"loud"'], after: ['null'] },
    ...{ listenerId: [`"${viewer.id}"`], genre: ['"jazz"', '"rock"'], genres: ['"jazz"', '"rock"'] },
    modelVersion: modelVersions.map(({ modelVersion }) => `"${modelVersion}"`),
    from: ['"2026-01-01T00:00:00Z"', 'null'],
    to: ['null'],
  };
  // Nothing would be left to search in.
  return { depth: 11, width: 4, lengths: [1, 3, 10, 30, 100, 100], pools, without: ['eraseMe', 'withdrawTracks'] };
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
