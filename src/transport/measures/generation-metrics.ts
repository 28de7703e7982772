import { Histogram, type Registry } from 'prom-client';
import type { Engine, GenerationEvent, GenerationRequest, Usage } from '../../ml/engine.ts';

/** The names and buckets of OpenTelemetry's semantic conventions for generative AI, in their Prometheus form. */
const FIRST_TOKEN_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const REQUEST_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536];
const SHARED = { gen_ai_operation_name: 'text_completion', gen_ai_provider_name: 'cadenza' };
const LABELS = [...Object.keys(SHARED), 'gen_ai_request_model'];

/** What drafts' readers wait for, by model ([OPS1]). */
export class GenerationMetrics {
  readonly #firstToken = new Histogram({
    name: 'gen_ai_server_time_to_first_token_seconds',
    help: 'Time from a request for text to its first token, the wait for a slot included.',
    ...{ labelNames: LABELS, buckets: FIRST_TOKEN_SECONDS, registers: [] },
  });
  readonly #perToken = new Histogram({
    name: 'gen_ai_server_time_per_output_token_seconds',
    help: 'Average time of a token after the first, of each text.',
    ...{ labelNames: LABELS, buckets: TOKEN_SECONDS, registers: [] },
  });
  readonly #request = new Histogram({
    name: 'gen_ai_server_request_duration_seconds',
    help: 'Time from a request for text to its end. error_type is empty for one that ended as asked.',
    ...{ labelNames: [...LABELS, 'error_type'], buckets: REQUEST_SECONDS, registers: [] },
  });
  readonly #tokens = new Histogram({
    name: 'gen_ai_client_token_usage',
    help: 'Tokens of each text: of its prompt (input) and written (output).',
    ...{ labelNames: [...LABELS, 'gen_ai_token_type'], buckets: TOKENS, registers: [] },
  });

  registerIn(registry: Registry): void {
    for (const metric of [this.#firstToken, this.#perToken, this.#request, this.#tokens])
      registry.registerMetric(metric);
  }

  /** The same engine, of which each text is measured. */
  measured<Kind extends Engine>(engine: Kind): Kind {
    const admit: Engine['admit'] = (modelId, request) => {
      const ticket = engine.admit(modelId, request);
      return {
        generate: (asked, signal) => this.#watched(ticket.generate(asked, signal), modelId, asked),
        [Symbol.dispose]: () => ticket[Symbol.dispose](),
      };
    };
    return { ...engine, admit };
  }

  #watched(
    events: AsyncIterable<GenerationEvent>,
    model: string,
    request: GenerationRequest,
  ): AsyncIterable<GenerationEvent> {
    const labels = { ...SHARED, gen_ai_request_model: model };
    const begun = performance.now();
    const end = (error_type: string): void =>
      this.#request.observe({ ...labels, error_type }, (performance.now() - begun) / 1_000);
    const see = (event: GenerationEvent): void => {
      if (event.type !== 'finished') return;
      end(event.reason === 'ERROR' || event.reason === 'CANCELLED' ? event.reason.toLowerCase() : '');
      this.#count(event.usage, labels, request.replay?.length ?? 0);
    };
    return watching(events, see, () => end('unavailable'));
  }

  /** Tokens that are replayed after a crash were counted, and waited for, where they were written. */
  #count(usage: Usage, labels: Record<string, string>, replayed: number): void {
    const { promptTokens, completionTokens, timeToFirstTokenMs, tokensPerSecond } = usage;
    this.#tokens.observe({ ...labels, gen_ai_token_type: 'input' }, promptTokens);
    this.#tokens.observe({ ...labels, gen_ai_token_type: 'output' }, Math.max(0, completionTokens - replayed));
    if (timeToFirstTokenMs !== null && replayed === 0) this.#firstToken.observe(labels, timeToFirstTokenMs / 1_000);
    if (tokensPerSecond) this.#perToken.observe(labels, 1 / tokensPerSecond);
  }
}

/** The same events, each of which is seen when it is taken. A generator of its own would cost a promise more for each. */
export function watching<Event>(
  events: AsyncIterable<Event>,
  see: (event: Event) => void,
  onFailure: () => void,
): AsyncIterable<Event> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = events[Symbol.asyncIterator]();
      return {
        next: () =>
          iterator.next().then(
            (taken) => {
              if (!taken.done) see(taken.value);
              return taken;
            },
            (error: unknown) => {
              onFailure();
              throw error;
            },
          ),
        return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}
