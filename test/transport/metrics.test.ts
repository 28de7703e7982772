import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from 'graphql-ws';
import { expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { defaultSampling } from '../../src/ml/engine.ts';
import { GenerationMetrics } from '../../src/transport/measures/generation-metrics.ts';
import { createRegistry, metricsOf } from '../../src/transport/measures/metrics.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ask, startListening } from '../support/listening.ts';
import { TINY, tinyEngine } from '../support/tiny/tiny-engine.ts';

it('[SERVE10] [OPS1] reports the work of each model in memory', async () => {
  const bare = await tinyEngine(await temporaryFolder());
  onTestFinished(() => bare[Symbol.asyncDispose]());
  const generations = new GenerationMetrics();
  const engine = generations.measured(bare);
  const registry = createRegistry(() => engine.load());
  generations.registerIn(registry);
  const answer = metricsOf(registry);
  const server = createServer((_, response) => void answer(response)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const text = async () => (await fetch(url)).text();
  const read = async (name: string) => {
    const metrics = await text();
    return Number(new RegExp(`^cadenza_engine_${name}{model="${TINY}"} (\\S+)$`, 'm').exec(metrics)?.[1]);
  };
  const readShared = async (name: string, labels = '') => {
    const shared = `gen_ai_operation_name="text_completion",gen_ai_provider_name="cadenza",gen_ai_request_model="${TINY}"`;
    return Number(new RegExp(`^gen_ai_${name}{${shared}${labels}} (\\S+)$`, 'm').exec(await text())?.[1]);
  };
  expect(await read('slots')).toBe(16);
  expect(await read('decoded_tokens_total')).toBe(0);
  const sampling = { ...defaultSampling, temperature: 1, seed: 3, maxTokens: 12 };
  const messages = [{ role: 'user' as const, content: 'Write.' }];
  for (let draft = 0; draft < 2; draft++) {
    const events = engine.admit(TINY).generate({ messages, sampling }, new AbortController().signal);
    for await (const event of events) expect(event.type).toBeTypeOf('string');
  }
  // Of each draft the last token is not decoded, and the first came with the prompt.
  expect(await read('decoded_tokens_total')).toBe(2 * (12 - 1));
  expect(await read('prefix_hits_total')).toBe(1);
  expect(await read('prefilled_tokens_total')).toBeGreaterThan(await read('prefix_tokens_total'));
  expect(await read('decode_seconds_total')).toBeGreaterThan(0);
  expect(await read('memory_bytes')).toBeGreaterThan(0);
  expect(await read('kv_capacity_tokens')).toBeGreaterThan(12);
  expect(await read('kv_used_tokens')).toBe(0);
  expect(await readShared('server_time_to_first_token_seconds_count')).toBe(2);
  expect(await readShared('server_time_per_output_token_seconds_count')).toBe(2);
  expect(await readShared('server_request_duration_seconds_count', ',error_type=""')).toBe(2);
  expect(await readShared('client_token_usage_sum', ',gen_ai_token_type="output"')).toBe(24);
  expect(await readShared('client_token_usage_count', ',gen_ai_token_type="input"')).toBe(2);
  const leaving = new AbortController();
  for await (const event of engine.admit(TINY).generate({ messages, sampling }, leaving.signal))
    if (event.type === 'started') leaving.abort();
  expect(await readShared('server_request_duration_seconds_count', ',error_type="cancelled"')).toBe(1);
});

it('[SERVE10] the server reports its process, without a token', async () => {
  const auth = { kind: 'secret', secret: 'x'.repeat(32), issuer: null, audience: null } as const;
  const { url } = await startListening({ config: { auth } });
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(await response.text()).toContain('process_resident_memory_bytes');
});

it('[OPS2] operations are counted by name and field, over HTTP and WebSocket, and whoever invents names hides no field', async () => {
  const { url, graphqlUrl, wsUrl } = await startListening();
  for (let i = 0; i < 120; i++) await ask(graphqlUrl, `query Invented${i} { tracks(first: 1) { totalCount } }`);
  await ask(graphqlUrl, 'query Late { viewer { id } }');
  await ask(graphqlUrl, '{ shown: track(id: "nothing") { id } }');
  const client = createClient({ url: wsUrl, webSocketImpl: WebSocket });
  for await (const _ of client.iterate({ query: '{ viewer { id } }' })) break;
  await client.dispose();
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('cadenza_operations_total{'));
  expect(lines).toContain('cadenza_operations_total{operation="Invented7",field="tracks",kind="query",outcome="ok"} 1');
  expect(lines).toContain('cadenza_operations_total{operation="OTHER",field="tracks",kind="query",outcome="ok"} 20');
  expect(lines).toContain('cadenza_operations_total{operation="OTHER",field="viewer",kind="query",outcome="ok"} 1');
  expect(lines).toContain('cadenza_operations_total{operation="",field="viewer",kind="query",outcome="ok"} 1');
  expect(lines).toContain('cadenza_operations_total{operation="",field="track",kind="query",outcome="error"} 1');
  expect(text).toContain('cadenza_operation_seconds_count{operation="",field="viewer",kind="query"} 1');
});
