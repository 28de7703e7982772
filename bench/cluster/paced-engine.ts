import type { Engine, GenerationEvent, GenerationRequest, Model, Ticket, Usage } from '../../src/ml/engine.ts';

const unused: Usage = {
  promptTokens: 0,
  completionTokens: 0,
  queueMs: null,
  timeToFirstTokenMs: null,
  tokensPerSecond: null,
};

/**
 * Writes any number of drafts at one pace, a token of each in every step, as a batched model does; each token's text is the
 * moment at which it was sampled, by the clock that all processes of a machine share.
 */
export class PacedEngine implements Engine {
  readonly #timer: NodeJS.Timeout;
  #waiting: (() => void)[] = [];

  constructor(stepMs: number) {
    this.#timer = setInterval(() => {
      for (const wake of this.#waiting.splice(0)) wake();
    }, stepMs);
  }

  models(): Model[] {
    const facts = { version: '1', license: null, parameters: null, contextTokens: null, fetched: 1, failure: null };
    const name = { id: 'paced', digest: null, name: 'Paced', executionProvider: 'CPU', status: 'READY' } as const;
    return [{ ...facts, ...name, task: 'TEXT_GENERATION' }];
  }

  load(): [] {
    return [];
  }

  defaultModel(): Model | null {
    return this.models()[0] ?? null;
  }

  whenReady(): Promise<void> {
    return Promise.resolve();
  }

  checkFits(): void {
    // Everything fits a model that is none.
  }

  admit(): Ticket {
    return {
      generate: (request, signal) => this.#generate(request, signal),
      [Symbol.dispose]: () => undefined,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  async *#generate({ sampling }: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    yield { type: 'started', promptTokens: 1, computedBy: 'paced' };
    for (let id = 0; id < sampling.maxTokens && !signal.aborted; id++) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      const text = `${process.hrtime.bigint()} `;
      const alternatives = Array.from({ length: 5 }, (_, i) => ({ text: 'other', logprob: -2 - i }));
      yield { type: 'tokens', text, tokens: [{ id, text, logprob: -1, alternatives }] };
    }
    yield { type: 'finished', reason: 'LENGTH', usage: unused };
  }
}
