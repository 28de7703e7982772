import { setTimeout as delay } from 'node:timers/promises';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../log.ts';
import { isOfStranger, Tracing } from './tracing.ts';

export interface TracingConfig {
  /** The collector's address, without `/v1/traces`. */
  endpoint: string;
  /** Sent with each export; they may be secret. */
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** The share of requests that are traced, unless a trusted caller has decided that. */
  ratio: number;
}

/** Spans that wait for the collector. Beyond it they are dropped: nothing waits for a collector that is slow or gone ([TRACE2]). */
const MOST_WAITING = 4_096;
const EXPORT_EVERY_MS = 1_000;
const EXPORT_WITHIN_MS = 3_000;
/** How long the last spans hold up the end of the process. */
const LAST_WITHIN_MS = 1_000;
const WARN_EVERY_MS = 60_000;

/** Sends spans to a collector over OTLP (HTTP, JSON). */
export function openTracing(
  { endpoint, headers, serviceName, ratio }: TracingConfig,
  log: Logger,
): { tracing: Tracing } & AsyncDisposable {
  warnOfFailures(log);
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: EXPORT_WITHIN_MS });
  const batches = {
    maxQueueSize: MOST_WAITING,
    scheduledDelayMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: EXPORT_WITHIN_MS,
  };
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: samplerOf(ratio),
    spanLimits: { attributeValueLengthLimit: 256 },
    spanProcessors: [new BatchSpanProcessor({ exporter, ...batches })],
  });
  return {
    tracing: new Tracing(provider.getTracer('cadenza')),
    [Symbol.asyncDispose]: async () => {
      const sent = provider.shutdown().catch(() => undefined);
      await Promise.race([sent, delay(LAST_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** Whoever may not decide what is recorded does not by the choice of a trace's id either: the share is of ids made here. */
function samplerOf(ratio: number): Sampler {
  const share = new TraceIdRatioBasedSampler(ratio);
  const ids = new RandomIdGenerator();
  const byParent = new ParentBasedSampler({ root: share });
  return {
    shouldSample: (context, ...span) =>
      isOfStranger(context)
        ? share.shouldSample(ROOT_CONTEXT, ids.generateTraceId())
        : byParent.shouldSample(context, ...span),
    toString: () => byParent.toString(),
  };
}

/** Once a minute. Its message may have the collector's answer, which is not ours to log. */
function warnOfFailures(log: Logger): void {
  let warnedAt = -Infinity;
  setGlobalErrorHandler(() => {
    if (performance.now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = performance.now();
    log.warn('Traces could not be sent to the collector and are dropped');
  });
}
