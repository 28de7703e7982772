import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { defaultSampling } from '../../src/ml/engine.ts';
import { createMetrics } from '../../src/transport/metrics.ts';
import { temporaryFolder } from '../support/folder.ts';
import { startListening } from '../support/listening.ts';
import { TINY, tinyEngine } from '../support/tiny-engine.ts';

it('[SERVE10] reports the work of each model in memory', async () => {
  const engine = await tinyEngine(await temporaryFolder());
  onTestFinished(() => engine[Symbol.asyncDispose]());
  const answer = createMetrics(() => engine.load());
  const server = createServer((_, response) => void answer(response)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const read = async (name: string) => {
    const text = await (await fetch(url)).text();
    return Number(new RegExp(`^cadenza_engine_${name}{model="${TINY}"} (\\S+)$`, 'm').exec(text)?.[1]);
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
});

it('[SERVE10] the server reports its process, without a token', async () => {
  const auth = { kind: 'secret', secret: 'x'.repeat(32), issuer: null, audience: null } as const;
  const { url } = await startListening({ config: { auth } });
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(await response.text()).toContain('process_resident_memory_bytes');
});
