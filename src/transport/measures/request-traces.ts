import type { IncomingMessage, ServerResponse } from 'node:http';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Plugin } from 'graphql-yoga';
import { noteFacts } from '../../lib/request-facts.ts';
import type { Tracing } from '../../lib/tracing/tracing.ts';
import type { Context } from '../../resolvers/context.ts';
import { type OperationMetrics, outcomeOf } from './operation-metrics.ts';

/** The first parts of paths that there are: the rest may be anything that somebody sent. */
const ROUTES = new Set(['graphql', 'export', 'tunes', 'visitors', 'studio', 'docs']);

interface Traced {
  request: IncomingMessage;
  response: ServerResponse;
  act: () => void;
}

/**
 * A span from a request's arrival to the end of its answer, around everything that is done for it.
 * @param isTrusted whether a request's `traceparent` decides that it is recorded ([TRACE3])
 */
export function traceRequest(
  tracing: Tracing | null,
  isTrusted: (request: IncomingMessage) => boolean,
  { request, response, act }: Traced,
): void {
  if (!tracing || isForOperators(request)) {
    act();
    return;
  }
  const route = routeOf(request);
  const method = /^(?:GET|POST|HEAD|OPTIONS)$/.exec(request.method ?? '')?.[0] ?? '_OTHER';
  const span = tracing.beginRequest(
    {
      ...{ name: `${method} ${route}`, kind: SpanKind.SERVER },
      attributes: { 'http.request.method': method, 'http.route': route },
    },
    { traceparent: request.headers.traceparent, isTrusted: isTrusted(request) },
  );
  noteFacts({ trace: span.spanContext().traceId });
  response.once('close', () => {
    span.setAttribute('http.response.status_code', response.statusCode);
    if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  tracing.within(span, act);
}

const isForOperators = ({ url = '' }: IncomingMessage): boolean => /^\/(?:health\/|metrics$)/.test(url);

function routeOf({ url = '/' }: IncomingMessage): string {
  const first = /^\/([a-z]*)/.exec(url)?.[1] ?? '';
  return ROUTES.has(first) ? `/${first}` : '/';
}

/** A span for each query and mutation, over every transport, named by its kind and first field. */
export function traceOperations(tracing: Tracing | null, operations: OperationMetrics): Plugin<Context> {
  if (!tracing) return {};
  return {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const { kind, field } = operations.labelsOf(args);
      const span = tracing.begin({
        name: `${kind} ${field}`,
        attributes: { 'graphql.operation.type': kind, 'cadenza.field': field },
      });
      setExecuteFn((given: Parameters<typeof executeFn>[0]) => tracing.within(span, () => executeFn(given) as unknown));
      return {
        onExecuteDone: ({ result }) => {
          if (outcomeOf(result) === 'error') span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
  };
}
