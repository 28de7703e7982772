import type { Forecast } from '../lib/fair-share.ts';

export type ModelTask = 'TEXT_GENERATION' | 'TUNE_GENERATION' | 'RECOMMENDATION' | 'EMBEDDING';

type ModelStatus = 'ABSENT' | 'FETCHING' | 'COMPILING' | 'READY' | 'FAILED';

/** One entry of the model catalogue and how far it is. */
export interface Model {
  /** The catalogue's key, e.g. `smollm2-135m-instruct`. */
  id: string;
  name: string;
  task: ModelTask;
  version: string;
  /** What tells its weights from any others; null when it is not known. */
  digest: string | null;
  license: string | null;
  executionProvider: 'CPU' | 'CUDA';
  parameters: number | null;
  contextTokens: number | null;
  status: ModelStatus;
  /** Share of the file on disk, in [0, 1]. */
  fetched: number;
  /** Why `status` is FAILED. */
  failure: string | null;
  /** When its slots become free, where other nodes are to know. */
  forecast?: Forecast;
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** How much likelier a text is to become (below 0: less likely), in natural logarithms. */
export interface LogitBias {
  text: string;
  bias: number;
}

/** Fully resolved sampling: the text is a function of model, messages and these (SPEC [GEN1]). */
export interface Sampling {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  logitBias: readonly LogitBias[];
  /** Texts that must not occur, in whatever case. */
  bannedPhrases: readonly string[];
  maxTokens: number;
  /** Ends the draft after so long, waiting included, whatever there is of it by then; null does not. */
  maxSeconds: number | null;
  /** 0 … 2⁵³ − 1. */
  seed: number;
  stop: readonly string[];
}

export interface TokenAlternative {
  text: string;
  logprob: number;
}

/** One sampled token. `logprob` is of the model's own distribution, before temperature, penalties and cuts. */
export interface Token extends TokenAlternative {
  id: number;
  alternatives: readonly TokenAlternative[];
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** From asking to the first work on it; null while it waits. */
  queueMs: number | null;
  timeToFirstTokenMs: number | null;
  tokensPerSecond: number | null;
}

export type FinishReason = 'STOP' | 'LENGTH' | 'TIME' | 'CANCELLED' | 'ERROR';

export interface GenerationRequest {
  messages: readonly ChatMessage[];
  /** The last message is an unfinished answer of the assistant that generation goes on writing. */
  continueLast?: boolean;
  sampling: Sampling;
  /** Ids that were already generated and recorded (a crash came between): decoded again, not sampled and not yielded. */
  replay?: readonly number[];
  /** Whose draft it is: among those that wait, listeners take turns. */
  listener?: number | null;
  /** Higher ones are begun first; 0 unless told. */
  priority?: number;
}

/**
 * `tokens` carries text that is safe to show: whole characters only, and never part of a stop string. `text` is what it
 * adds to the draft; it may be empty while a character or a possible stop string is incomplete.
 */
export type GenerationEvent =
  | { type: 'started'; promptTokens: number }
  | { type: 'tokens'; text: string; tokens: readonly Token[] }
  | { type: 'finished'; reason: FinishReason; usage: Usage; message?: string };

/** A place in the engine's bounded queue. Dispose it unused and nothing happened. */
export interface Ticket extends Disposable {
  /**
   * Runs when its turn comes; the signal ends it within one token, with reason CANCELLED. May be called once.
   * When the engine is disposed of, the iteration throws ServiceUnavailableError: what was recorded can be taken up again.
   * @throws InvalidInputError for what `checkSampling` and `checkFits` refuse
   */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent>;
}

/** How a model is doing that is in memory. */
export interface ModelLoad {
  modelId: string;
  /** Drafts that it writes at a time. */
  slots: number;
  /** What it has reserved: weights, and the cache of every slot when full. */
  memoryBytes: number;
  /** Null until it has written something. */
  writer: WriterState | null;
  forecast: Forecast;
}

export interface Engine extends AsyncDisposable {
  models(): readonly Model[];
  /** The models in memory. */
  load(): readonly ModelLoad[];
  /** The model that writes this kind of thing when a request names none. */
  defaultModel(task: ModelTask): Model | null;
  /**
   * @param request what will be generated, where that is known: one listener may not take all places ([FAIR1])
   * @throws OverloadedError past the queue's bound or the listener's share, ModelUnavailableError unless the model is READY, NotFoundError
   */
  admit(modelId: string, request?: GenerationRequest): Ticket;
  /** Resolves when the model is READY; rejects when it FAILED or the signal aborts. */
  whenReady(modelId: string, signal?: AbortSignal): Promise<void>;
  /** Throws InvalidInputError when the messages do not fit the model's context together with `maxTokens`. */
  checkFits(modelId: string, request: GenerationRequest): void;
}

/** How a thread is doing; times in ms and counts are sums since it started. */
export interface WriterState {
  running: number;
  waiting: number;
  pace: PaceState;
  steps: number;
  /** Tokens decoded and prompt tokens taken in. */
  decodedTokens: number;
  prefilledTokens: number;
  /** Time by phase: running the graph for either, choosing tokens, waiting for the reader. */
  decodeMs: number;
  prefillMs: number;
  sampleMs: number;
  waitMs: number;
  prefix: { bytes: number; lookups: number; hits: number; tokensSaved: number };
}

/** What work has taken lately, in ms. */
export interface PaceState {
  /** From one token of a draft to its next. */
  stepMs: number;
  prefillTokenMs: number;
}
