import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ModelLoad } from '../../ml/engine.ts';

type Read = (load: ModelLoad) => number;
type Writing = NonNullable<ModelLoad['writer']>;

const written =
  (read: (writer: Writing) => number): Read =>
  ({ writer }) =>
    writer ? read(writer) : 0;

const gauges: Record<string, [help: string, read: Read]> = {
  slots: ['Drafts that the model writes at a time.', ({ slots }) => slots],
  memory_bytes: ['Memory that the model has reserved.', ({ memoryBytes }) => memoryBytes],
  drafts_running: ['Drafts that are being written.', written(({ running }) => running)],
  drafts_waiting: ['Drafts that wait for a slot.', written(({ waiting }) => waiting)],
  kv_used_tokens: ['Tokens whose keys and values are in the cache.', written(({ heldTokens }) => heldTokens)],
  kv_capacity_tokens: ['Tokens that the cache has room for.', ({ capacityTokens }) => capacityTokens],
  prefix_bytes: ['Memory of prompts that others may begin with.', written(({ prefix }) => prefix.bytes)],
};

/** Counters since the model was opened. They restart at 0 when the model is unloaded. */
const counters: Record<string, [help: string, read: Read]> = {
  steps_total: ['Steps taken.', written(({ steps }) => steps)],
  decoded_tokens_total: ['Tokens decoded; divided by the steps, how full a batch is.', written((w) => w.decodedTokens)],
  prefilled_tokens_total: ['Prompt tokens taken in.', written((w) => w.prefilledTokens)],
  decode_seconds_total: ['Time of decoding.', written((w) => w.decodeMs / 1000)],
  prefill_seconds_total: ['Time of taking prompts in.', written((w) => w.prefillMs / 1000)],
  sample_seconds_total: ['Time of choosing tokens.', written((w) => w.sampleMs / 1000)],
  wait_seconds_total: ['Time of waiting until the last events had arrived.', written((w) => w.waitMs / 1000)],
  prefix_lookups_total: ['Prompts that were looked for.', written(({ prefix }) => prefix.lookups)],
  prefix_hits_total: ['Prompts whose beginning was there.', written(({ prefix }) => prefix.hits)],
  prefix_tokens_total: ['Prompt tokens that were not taken in again.', written(({ prefix }) => prefix.tokensSaved)],
};

export type AnswerMetrics = (response: ServerResponse) => Promise<void>;

/** A node's own state. */
export interface NodeState {
  /** The model version that serves, and whether this node trains another one or waits for it. */
  recommender: () => { version: string; isTraining: boolean };
  /** Connections to the database, and how many there may be at most. */
  connections: () => number;
  mostConnections: number;
  /** Drafts in the database that wait for a node with a free place. Null while it is unavailable. */
  waitingDrafts: () => Promise<number | null>;
  /** What is measured where texts are written and kept. */
  measures: readonly { registerIn(registry: Registry): void }[];
}

/** What `/metrics` tells: the process, each model in memory, and the node's state ([SERVE10]). */
export function createRegistry(load: () => readonly ModelLoad[], state?: NodeState): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addMemory(registry);
  if (state) addState(registry, state);
  const options = (name: string, help: string) => ({
    name: `cadenza_engine_${name}`,
    help,
    labelNames: ['model'],
    registers: [registry],
  });
  for (const [name, [help, read]] of Object.entries(gauges)) {
    const gauge = new Gauge({
      ...options(name, help),
      collect: () => {
        gauge.reset();
        for (const one of load()) gauge.set({ model: one.modelId }, read(one));
      },
    });
  }
  for (const [name, [help, read]] of Object.entries(counters)) {
    const counter = new Counter({
      ...options(name, help),
      collect: () => {
        counter.reset();
        for (const one of load()) counter.inc({ model: one.modelId }, read(one));
      },
    });
  }
  return registry;
}

function addState(registry: Registry, { recommender, connections, waitingDrafts, ...rest }: NodeState): void {
  for (const measured of rest.measures) measured.registerIn(registry);
  const options = (name: string, help: string) => ({ name: `cadenza_${name}`, help, registers: [registry] });
  const version = new Gauge({
    ...options('recommender_version', 'The model version that serves: 1 for its name.'),
    labelNames: ['version'],
    collect: () => {
      version.reset();
      version.set({ version: recommender().version }, 1);
    },
  });
  const training = new Gauge({
    ...options('recommender_training', 'Whether this node trains a model version, or waits for its turn.'),
    collect: (): void => training.set(Number(recommender().isTraining)),
  });
  const open = new Gauge({
    ...options('database_connections', 'Open connections to the database.'),
    collect: (): void => open.set(connections()),
  });
  new Gauge(options('database_connections_limit', 'Most connections to the database.')).set(rest.mostConnections);
  const waiting = new Gauge({
    ...options(
      'drafts_waiting',
      'Drafts in the database that wait for a node with a free place; NaN while it is away.',
    ),
    collect: async (): Promise<void> => waiting.set((await waitingDrafts()) ?? NaN),
  });
}

/** The resident memory of the process counts pages of files, such as models, which the system may take back. */
function addMemory(registry: Registry): void {
  const gauge = new Gauge({
    name: 'cadenza_memory_private_bytes',
    help: 'Memory of the process that nothing else shares and the system cannot take back. Absent where it is not told.',
    registers: [registry],
    collect: async () => {
      const rollup = await readFile('/proc/self/smaps_rollup', 'latin1').catch(() => '');
      const kilobytes = /^Anonymous:\s+(\d+) kB$/m.exec(rollup)?.[1];
      if (kilobytes === undefined) gauge.reset();
      else gauge.set(Number(kilobytes) * 1024);
    },
  });
}

/** Answers `/metrics` in Prometheus format. */
export function metricsOf(registry: Registry): AnswerMetrics {
  return async (response) => {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(text);
  };
}
