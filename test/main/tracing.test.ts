import { describe, expect, it } from 'vitest';
import { canaryOf } from '../support/canaries.ts';
import { ask } from '../support/listening.ts';
import { type CollectedSpan, type Collector, startCollector } from '../support/network/collector.ts';
import { freePort } from '../support/network/ports.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${CALLER}-01`;
const START = `mutation ($prompt: String!) { startDraft(input: { kind: TUNE, prompt: $prompt, sampling: { seed: 1, maxTokens: 60 } }) {
  ... on StartDraftSuccess { draft { id } } ... on Error { message } } }`;
const STATUS = 'query ($id: ID!) { draft(id: $id) { status text } }';

async function tunes(server: TestServer, prompt: string): Promise<void> {
  const url = `${server.url}/graphql`;
  const isReady = async () => {
    const { data } = await ask(url, '{ models { status task } }');
    const { models } = data as { models: { status: string; task: string }[] };
    return models.some(({ status, task }) => status === 'READY' && task === 'TUNE_GENERATION');
  };
  await expect.poll(isReady, PATIENCE).toBe(true);
  const answer = await ask(url, START, { prompt }, { traceparent });
  const started = answer.data as { startDraft: { draft?: { id: string }; message?: string } } | undefined;
  expect(started?.startDraft.message, JSON.stringify(answer.errors)).toBe(undefined);
  const id = started?.startDraft.draft?.id ?? '';
  const status = async () => ((await ask(url, STATUS, { id })).data as { draft: { status: string } }).draft.status;
  await expect.poll(status, PATIENCE).toBe('COMPLETED');
}

const named = ({ spans }: Collector, name: RegExp): CollectedSpan[] =>
  spans.filter((span) => span.traceId === TRACE && name.test(span.name));

describe('[TRACE1] a request that is traced', () => {
  it('has spans from HTTP to the log, each within the one around it, in its caller’s trace, without what people wrote', async () => {
    const collector = await startCollector();
    const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const canary = canaryOf('prompt');
    await tunes(server, `A jig called ${canary}`);
    await expect.poll(() => named(collector, /^text_completion$/).length, PATIENCE).toBe(1);
    const one = (name: RegExp): CollectedSpan => {
      const [span] = named(collector, name);
      if (!span)
        throw new Error(`there is no span ${String(name)} in ${collector.spans.map((s) => s.name).join(', ')}`);
      return span;
    };
    const http = one(/^POST \/graphql$/);
    expect(http.parentSpanId).toBe(CALLER);
    const operation = one(/^mutation startDraft$/);
    expect(operation.parentSpanId).toBe(http.spanId);
    expect(named(collector, /^insert drafts$/).map((span) => span.parentSpanId)).toContain(operation.spanId);
    const text = one(/^text_completion$/);
    const steps = named(collector, /^engine step$/);
    expect(steps.length).toBeGreaterThan(1);
    expect(new Set(steps.map((span) => span.parentSpanId))).toEqual(new Set([text.spanId]));
    const appends = named(collector, /^append$/);
    expect(appends.length).toBeGreaterThan(1);
    const within = new Set(appends.map(({ spanId }) => spanId));
    expect(
      collector.spans.some((span) => span.name.includes('draft_events') && within.has(span.parentSpanId ?? '')),
    ).toBe(true);
    // The line of the access log names the trace.
    expect(await server.said('Request')).toMatchObject({ trace: expect.stringMatching(/^[\da-f]{32}$/) as string });
    await server.stop();
    expect(collector.sent()).not.toContain(canary);
    expect(collector.sent()).not.toContain('A jig');
  });

  it('begins a trace of its own where the header is nonsense', async () => {
    const collector = await startCollector();
    const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'tests' });
    for (const header of ['nonsense', `00-${'0'.repeat(32)}-${CALLER}-01`, 'x'.repeat(5_000)])
      await ask(`${server.url}/graphql`, '{ viewer { id } }', {}, { traceparent: header });
    await expect.poll(() => collector.spans.filter(({ name }) => name === 'query viewer').length, PATIENCE).toBe(3);
    const roots = collector.spans.filter(({ name }) => name === 'POST /graphql');
    expect(roots.filter(({ parentSpanId }) => parentSpanId)).toEqual([]);
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(3);
    expect(collector.sent()).toContain('tests');
  });

  it('is none of those that a share of 0 leaves out, unless a trusted proxy traces it', async () => {
    const collector = await startCollector();
    const share = { OTEL_TRACES_SAMPLER_ARG: '0', CADENZA_TRUSTED_PROXIES: 'loopback' };
    const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...share });
    await ask(`${server.url}/graphql`, '{ genres { slug } }');
    await ask(`${server.url}/graphql`, '{ viewer { id } }', {}, { traceparent });
    await expect.poll(() => named(collector, /^query viewer$/).length, PATIENCE).toBe(1);
    expect(collector.spans.filter(({ traceId }) => traceId !== TRACE)).toEqual([]);
  });
});

describe('[TRACE2] a collector', () => {
  it.each(['that takes requests and answers none', 'that is not there'])(
    '%s keeps no request, and the server from ending neither',
    async (what) => {
      const stalled = what.startsWith('that takes') ? await startCollector({ answers: false }) : null;
      const endpoint = stalled?.url ?? `http://127.0.0.1:${await freePort()}`;
      const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      // More spans than wait for a collector at most.
      for (let i = 0; i < 30; i++) {
        const answers = await Promise.all(
          Array.from({ length: 50 }, () => ask(`${server.url}/graphql`, '{ viewer { id preferences { tags } } }')),
        );
        expect(answers.filter(({ errors }) => errors)).toEqual([]);
      }
      await server.said('Traces could not be sent to the collector and are dropped');
      expect((await server.stop()).code).toBe(0);
    },
  );
});
