import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/lib/log.ts';
import { openTracing } from '../../src/lib/tracing/otlp.ts';
import { ask, startListening, unlimited } from '../support/listening.ts';
import { startCollector } from '../support/network/collector.ts';

const PATIENCE = { timeout: 60_000 };
const TRACE = '0af7651916cd43dd8448eb211c80319c';
/** One that a share of a hundredth, taken of callers' ids, always has. */
const LUCKY = '00000000000000000000000000000001';
const LAST = 'f'.repeat(32);

const parentOf = (trace: string, flags = '01') => ({ traceparent: `00-${trace}-b7ad6b7169203331-${flags}` });

/** A server on which this share is traced. `recorded` trusts its caller from then on, and waits for what came before. */
async function start(ratio: number) {
  const collector = await startCollector();
  const tracingOf = { endpoint: collector.url, headers: {}, serviceName: 'tests', ratio };
  const traces = openTracing(tracingOf, silentLogger);
  onTestFinished(() => traces[Symbol.asyncDispose]());
  const server = await startListening({ tracing: traces.tracing });
  const visit = async (headers: Record<string, string>) => {
    await ask(server.graphqlUrl, '{ viewer { id } }', {}, headers);
  };
  const requestsOf = (trace: string) =>
    collector.spans.filter(({ name, traceId }) => name === 'POST /graphql' && traceId === trace);
  const recorded = async (trace: string): Promise<number> => {
    server.reload({ auth: null, rates: { ...unlimited, trustedProxies: ['loopback'] } });
    await visit(parentOf(LAST));
    await expect.poll(() => requestsOf(LAST).length, PATIENCE).toBe(1);
    return requestsOf(trace).length;
  };
  return { visit, requestsOf, recorded };
}

it('[TRACE3] a stranger does not decide that they are traced, and a trusted proxy does', async () => {
  const { visit, recorded } = await start(0);
  for (let i = 0; i < 5; i++) await visit(parentOf(TRACE));
  expect(await recorded(TRACE)).toBe(0);
});

it('[TRACE3] nor by the choice of an id: of strangers in one trace the share is recorded, within it', async () => {
  const { visit, recorded, requestsOf } = await start(0.5);
  for (let i = 0; i < 64; i++) await visit(parentOf(LUCKY, i % 2 === 0 ? '01' : '00'));
  const count = await recorded(LUCKY);
  // Each once in 2 ** 64 runs.
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(64);
  expect(new Set(requestsOf(LUCKY).map(({ parentSpanId }) => parentSpanId))).toEqual(new Set(['b7ad6b7169203331']));
});
