import { InvalidInputError, ModelUnavailableError, OverloadedError } from '../../../src/lib/errors.ts';
import { uniformAt } from '../../../src/lib/random.ts';
import type {
  Engine,
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  Model,
  Ticket,
  Token,
} from '../../../src/ml/engine.ts';

export interface Script {
  /** Tokens that may be sampled at once; the test grants more with `grant`. Infinity: never waits. */
  granted?: number;
  queue?: number;
  failAt?: number;
  fingerprint?: string;
}

const words = ['rain ', 'slow ', 'é', 'light ', '雪', 'falls ', 'and ', '\n'];

/** The text that a request leads to: what every reader of every run must end with. */
export function scriptedText(request: Pick<GenerationRequest, 'sampling' | 'messages'>): string {
  return Array.from({ length: request.sampling.maxTokens }, (_, i) => scriptedToken(request, i).text).join('');
}

function scriptedToken({ sampling, messages }: Pick<GenerationRequest, 'sampling' | 'messages'>, i: number): Token {
  const salt = messages.reduce((sum, message) => sum + message.content.length, 0);
  const id = Math.floor(uniformAt(sampling.seed + salt, i) * words.length);
  return {
    id,
    text: words[id] ?? '',
    logprob: -0.5,
    alternatives: [{ text: words[(id + 1) % words.length] ?? '', logprob: -1.5 }],
  };
}

/** An engine whose text is a function of the request and whose pace is the test's: it keeps the port's every promise. */
export class ScriptedEngine implements Engine {
  readonly #script: Required<Script>;
  readonly requests: GenerationRequest[] = [];
  ready = true;
  /** Of the model: another one would write another text. */
  digest = 'scripted';
  #open = 0;
  #granted: number;
  #waiting: (() => void)[] = [];

  constructor({ granted = Infinity, queue = 16, failAt = Infinity, fingerprint = 'scripted' }: Script = {}) {
    this.#script = { granted, queue, failAt, fingerprint };
    this.#granted = granted;
  }

  /** Lets so many more tokens be sampled, over all drafts. */
  grant(tokens: number): void {
    this.#granted += tokens;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  models(): Model[] {
    const [name, license] = ['Scripted', 'Apache-2.0'];
    const model = {
      id: 'scripted',
      name,
      task: 'TEXT_GENERATION',
      version: '1',
      license,
      executionProvider: 'CPU',
      digest: this.digest,
    } as const;
    return [
      {
        ...model,
        parameters: null,
        contextTokens: 2_000,
        status: this.ready ? 'READY' : 'FETCHING',
        fetched: 0.5,
        failure: null,
        fingerprint: this.#script.fingerprint,
      },
    ];
  }

  load(): [] {
    return [];
  }

  defaultModel(task: Model['task']): Model | null {
    return this.models().find((model) => model.task === task) ?? null;
  }

  admit(modelId: string): Ticket {
    if (!this.ready) throw new ModelUnavailableError('the model is being fetched', modelId);
    if (this.#open >= this.#script.queue) throw new OverloadedError('the queue is full', 10);
    this.#open++;
    let released = false;
    const release = () => {
      if (!released) this.#open--;
      released = true;
    };
    const givenBack = new AbortController();
    const generate = (request: GenerationRequest, signal: AbortSignal) =>
      this.#generate(request, AbortSignal.any([signal, givenBack.signal]), release);
    const giveBack = () => {
      release();
      givenBack.abort();
    };
    return { generate, [Symbol.dispose]: giveBack };
  }

  async whenReady(): Promise<void> {
    while (!this.ready) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  checkFits(_: string, { messages }: GenerationRequest): void {
    const length = messages.reduce((sum, message) => sum + message.content.length, 0);
    if (length > 10_000) throw new InvalidInputError('the prompt does not fit the model', 'input.prompt');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async *#generate(
    request: GenerationRequest,
    signal: AbortSignal,
    release: () => void,
  ): AsyncGenerator<GenerationEvent> {
    this.requests.push(request);
    try {
      yield { type: 'started', promptTokens: 10, computedBy: this.#script.fingerprint };
      const reason = yield* this.#tokens(request, signal);
      const usage = {
        promptTokens: 10,
        completionTokens: request.sampling.maxTokens,
        queueMs: 0,
        timeToFirstTokenMs: 1,
        tokensPerSecond: 100,
      };
      yield { type: 'finished', reason, usage };
    } finally {
      release();
    }
  }

  async *#tokens(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, FinishReason> {
    for (let i = request.replay?.length ?? 0; i < request.sampling.maxTokens; i++) {
      if (i >= this.#script.failAt) throw new Error('the model broke');
      while (this.#granted < 1 && !signal.aborted) await this.#moreOrAbort(signal);
      if (signal.aborted) return 'CANCELLED';
      this.#granted--;
      const token = scriptedToken(request, i);
      yield { type: 'tokens', text: token.text, tokens: [token] };
    }
    return request.sampling.maxSeconds === null ? 'LENGTH' : 'TIME';
  }

  #moreOrAbort(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', go);
        resolve();
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', go);
    });
  }
}
