import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';

interface SpanFacts {
  /** A name of the server's own, never what somebody sent. */
  name: string;
  kind?: SpanKind;
  /** Names of the server's own and numbers: nothing that people wrote, and no ids of theirs. */
  attributes?: Attributes;
  /** By default now. */
  startTime?: number;
}

interface Caller {
  traceparent: unknown;
  /** Whether the caller decides what is recorded. */
  isTrusted: boolean;
}

const STRANGER = createContextKey('a caller that does not decide what is recorded');

/** Whether a span is begun within one of somebody who does not decide what is recorded. */
export const isOfStranger = (context: Context): boolean => context.getValue(STRANGER) === true;

/**
 * Times what is done for a request as spans, each within the one around it ([TRACE1]). Where there is none, nothing is
 * traced, and no code of this runs.
 */
export class Tracing {
  readonly #tracer: Tracer;
  readonly #around = new AsyncLocalStorage<Span>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Within the current span, if there is one. Whoever begins it ends it. */
  begin(facts: SpanFacts, within: Span | undefined = this.#around.getStore()): Span {
    return this.#start(facts, within ? trace.setSpan(ROOT_CONTEXT, within) : ROOT_CONTEXT);
  }

  /** Within the span of another process, if the header `traceparent` names one (W3C Trace Context). */
  beginRequest(facts: SpanFacts, { traceparent, isTrusted }: Caller): Span {
    const remote = typeof traceparent === 'string' ? parseTraceParent(traceparent) : null;
    if (!remote) return this.#start(facts, ROOT_CONTEXT);
    const context = trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
    return this.#start(facts, isTrusted ? context : context.setValue(STRANGER, true));
  }

  #start({ name, ...options }: SpanFacts, context: Context): Span {
    return this.#tracer.startSpan(name, options, context);
  }

  /** Runs everything that this starts within the span. */
  within<Result>(span: Span, act: () => Result): Result {
    return this.#around.run(span, act);
  }

  /** The span around this, unless it is over or not recorded: of what goes on in the background no end is known. */
  current(): Span | undefined {
    const span = this.#around.getStore();
    return span?.isRecording() ? span : undefined;
  }

  /** Whether this is done for a request, even if that has been answered. */
  isForRequest(): boolean {
    return this.#around.getStore() !== undefined;
  }

  /** A span around an action. */
  async around<Result>(facts: SpanFacts, act: () => Promise<Result>): Promise<Result> {
    const span = this.begin(facts);
    try {
      const result = await this.within(span, act);
      span.end();
      return result;
    } catch (error) {
      endFailed(span, error);
      throw error;
    }
  }
}

/** Only the kind of the error: its message may quote what somebody sent. */
export function endFailed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', kindOf(error));
  span.end();
}

/** A code of ours or of the database's, otherwise the class. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  return 'code' in error && typeof error.code === 'string' ? error.code.slice(0, 64) : error.name.slice(0, 64);
}
