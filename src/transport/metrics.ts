import type { ServerResponse } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ModelLoad } from '../ml/engine.ts';

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

/** `/metrics` in Prometheus format: the process and each model in memory ([SERVE10]). */
export function createMetrics(load: () => readonly ModelLoad[]): AnswerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
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
  return async (response) => {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(text);
  };
}
