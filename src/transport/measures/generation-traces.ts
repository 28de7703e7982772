import { type Span, SpanStatusCode } from '@opentelemetry/api';
import { endFailed, type Tracing } from '../../lib/tracing/tracing.ts';
import type { Engine, GenerationEvent } from '../../ml/engine.ts';
import { watching } from './generation-metrics.ts';

/** Steps of a text that have spans of their own. Of a long text the others are only counted. */
const MOST_STEPS = 64;

/** The same engine, whose texts are traced: a span for each text, and in it one for each of its first steps ([TRACE1]). */
export function tracedEngine<Kind extends Engine>(engine: Kind, tracing: Tracing | null): Kind {
  if (!tracing) return engine;
  const admit: Engine['admit'] = (modelId, request) => {
    const ticket = engine.admit(modelId, request);
    return {
      generate: (asked, signal) => {
        const text = new TracedText(tracing, modelId);
        return watching(ticket.generate(asked, signal), text.see, text.fail);
      },
      [Symbol.dispose]: () => ticket[Symbol.dispose](),
    };
  };
  return { ...engine, admit };
}

class TracedText {
  readonly #tracing: Tracing;
  readonly #span: Span;
  #steps = 0;
  #lastAt = Date.now();

  constructor(tracing: Tracing, model: string) {
    this.#tracing = tracing;
    const attributes = {
      ...{ 'gen_ai.operation.name': 'text_completion', 'gen_ai.provider.name': 'cadenza' },
      'gen_ai.request.model': model,
    };
    this.#span = tracing.begin({ name: 'text_completion', attributes });
  }

  readonly see = (event: GenerationEvent): void => {
    if (event.type === 'tokens') this.#step(event.tokens.length);
    if (event.type === 'finished') this.#finish(event);
  };

  readonly fail = (): void => endFailed(this.#span, null);

  /** From the step before, or the beginning: the prompt and the wait for a place are in the first. */
  #step(tokens: number): void {
    const [startTime, now] = [this.#lastAt, Date.now()];
    this.#lastAt = now;
    if (++this.#steps > MOST_STEPS) return;
    const attributes = { 'cadenza.step': this.#steps, 'cadenza.tokens': tokens };
    this.#tracing.begin({ name: 'engine step', startTime, attributes }, this.#span).end(now);
  }

  #finish({ reason, usage }: GenerationEvent & { type: 'finished' }): void {
    const { promptTokens, completionTokens, timeToFirstTokenMs } = usage;
    this.#span.setAttributes({
      ...{ 'gen_ai.usage.input_tokens': promptTokens, 'gen_ai.usage.output_tokens': completionTokens },
      ...{ 'gen_ai.response.finish_reasons': [reason.toLowerCase()], 'cadenza.steps': this.#steps },
      ...(timeToFirstTokenMs !== null && { 'cadenza.time_to_first_token_ms': timeToFirstTokenMs }),
    });
    if (reason === 'ERROR') this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end();
  }
}
