import type { Format } from '../formats/formats.ts';
import type { Forecast } from '../lib/fair-share.ts';
import type { TunePlan } from '../tunes/tunes.ts';
import type { VerseForm, VerseWords } from '../verse/verse.ts';

export const MODEL_TASKS = [
  'TEXT_GENERATION',
  'TUNE_GENERATION',
  'RECOMMENDATION',
  'EMBEDDING',
  'TRANSLATION',
] as const;
export type ModelTask = (typeof MODEL_TASKS)[number];

type ModelStatus = 'ABSENT' | 'FETCHING' | 'COMPILING' | 'READY' | 'FAILED';

/** How the products of a model are computed. */
export type ModelKernels = 'INTEGERS' | 'BLOCKS' | 'FLOATS';

/** An entry of the model catalogue and its status. */
export interface Model {
  /** The catalogue's key, for example `smollm2-135m-instruct`. */
  id: string;
  name: string;
  task: ModelTask;
  version: string;
  /** Identifies the weights. Null if it is unknown. */
  digest: string | null;
  license: string | null;
  executionProvider: 'CPU' | 'CUDA';
  parameters: number | null;
  contextTokens: number | null;
  status: ModelStatus;
  /** Fraction of the files on disk, in [0, 1]. */
  fetched: number;
  /** Why `status` is FAILED. */
  failure: string | null;
  /** Null for an export, which runs as it is, and while it is not READY. Absent in what older nodes report. */
  kernels?: ModelKernels | null;
  /**
   * Identifies what computes its texts: where it is the same, the same request yields the same text. Null unless the model
   * writes and is READY. Absent in what older nodes report.
   */
  fingerprint?: string | null;
  /** When its slots become free, for other nodes. */
  forecast?: Forecast;
}

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** How much more likely a text is to become (below 0: less likely), in natural logarithms. */
export interface LogitBias {
  text: string;
  bias: number;
}

/** Complete sampling options. The text is a function of model, messages and these ([GEN1]). */
export interface Sampling {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  /** DRY: `dryMultiplier` × `dryBase` ^ (repeated tokens − `dryAllowedLength`) is subtracted. 0 for none. */
  dryMultiplier: number;
  dryBase: number;
  dryAllowedLength: number;
  /** XTC: how often the likeliest tokens are left out, and from which probability on. */
  xtcProbability: number;
  xtcThreshold: number;
  logitBias: readonly LogitBias[];
  /** Texts that must not occur, in any case. */
  bannedPhrases: readonly string[];
  maxTokens: number;
  /** Time limit for the draft in seconds, waiting included. Null if there is none. */
  maxSeconds: number | null;
  /** 0 … 2⁵³ − 1. */
  seed: number;
  stop: readonly string[];
}

export interface TokenAlternative {
  text: string;
  logprob: number;
}

/** A sampled token. `logprob` comes from the model's own distribution, before temperature, penalties and cut-offs. */
export interface Token extends TokenAlternative {
  id: number;
  alternatives: readonly TokenAlternative[];
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** Milliseconds from the request to the start of the work. Null while it waits. */
  queueMs: number | null;
  timeToFirstTokenMs: number | null;
  tokensPerSecond: number | null;
  /** Milliseconds of the engine: its parts of the steps that it shared with others. Absent while it is written. */
  engineMs?: number | null;
  /** The fingerprint of what computes the turn that is being written, or was last. Absent before the first and in older records. */
  computedBy?: string;
  /** Whether a turn was taken up by what computes otherwise than what had begun it. */
  continuedElsewhere?: boolean;
}

export type FinishReason = 'STOP' | 'LENGTH' | 'TIME' | 'CANCELLED' | 'ERROR';

/** The form that a text must keep, and the words that it may be written with. */
export interface VerseRequest {
  form: VerseForm;
  words: VerseWords;
  /** The words that offend and may be used nevertheless, because the writer has. */
  own: readonly string[];
  /** Text that comes before the form, for example a blank line. */
  lead: string;
  /** The text since the form was begun, lead included, which generation continues. */
  written: string;
}

/** The form of an answer ([FORMAT1]), and what of the answer is written already. */
export interface FormatRequest {
  format: Format;
  written: string;
}

/**
 * How a text begins that goes on from another. `SPACED`: with the space that ends the other, and is not written again.
 * `APART`: without a letter, because the other's last word is complete. `LED`: an answer, whose first word may have a space
 * before it, as every word has in this vocabulary; it is not shown.
 */
export type Beginning = 'SPACED' | 'APART' | 'LED';

export interface GenerationRequest {
  messages: readonly ChatMessage[];
  /** The last message is an unfinished answer of the assistant, which generation continues. */
  continueLast?: boolean;
  /** The last word of that answer is complete. */
  wordEnded?: boolean;
  sampling: Sampling;
  /** Null or absent for a text without a form. */
  verse?: VerseRequest | null;
  /** The form of the answer. It excludes a verse, banned phrases and stop strings. */
  format?: FormatRequest | null;
  /** The plan that a tune keeps to. Its model's messages are ABC. */
  tune?: TunePlan | null;
  /** A text that is read in place of writing one: its tokens come with their log-probabilities ([SCORE1]). */
  scored?: string | null;
  /**
   * Tokens that were generated and recorded before a crash. They are decoded again, but neither sampled nor yielded.
   */
  replay?: readonly number[];
  /** The draft's listener. Waiting listeners take turns. */
  listener?: number | null;
  /** Drafts with a higher priority start first. The default is 0. */
  priority?: number;
}

/**
 * `tokens` has text that may be shown: whole characters, and no part of a stop string. `text` is what it adds to the
 * draft; it may be empty while a character or a possible stop string is incomplete.
 */
export type GenerationEvent =
  /** `computedBy`: the model's fingerprint. */
  | { type: 'started'; promptTokens: number; computedBy: string }
  | { type: 'tokens'; text: string; tokens: readonly Token[] }
  | { type: 'finished'; reason: FinishReason; usage: Usage; message?: string };

/** A reserved place. Disposing it unused gives the place back. */
export interface Ticket extends Disposable {
  /**
   * Starts when the draft's turn comes. The signal ends it within one token, with reason CANCELLED. It may be called
   * once. When the engine is disposed, the iteration throws ServiceUnavailableError; what was recorded can be resumed.
   * @throws InvalidInputError for what `checkSampling` and `checkFits` refuse
   */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent>;
}

/** The state of a model in memory. */
export interface ModelLoad {
  modelId: string;
  /** Number of drafts that it writes at the same time. */
  slots: number;
  /** Reserved memory: the weights, and the full cache of every slot. */
  memoryBytes: number;
  /** Tokens that the key–value caches of all slots have room for. */
  capacityTokens: number;
  /** Null until it has written something. */
  writer: WriterState | null;
  forecast: Forecast;
}

/** A word, punctuation mark or ideograph of a text. */
export interface EncodedWord {
  /** Its range in UTF-16 units. */
  from: number;
  to: number;
  /** Its part of the text's `states`: those of all words add up to them // [layers × width] */
  share: Float64Array;
}

/** What an encoder computes from a text. */
export interface EncodedText {
  /** Number of tokens that were read, marks included. */
  tokens: number;
  /** The mean of the last layer's states, at length 1: texts of similar meaning have a large product // [width] */
  embedding: Float32Array;
  /** The mean of the words' states, one layer after another // [layers × width] */
  states: Float64Array;
  /** In the text's order. Null unless asked for. */
  words: readonly EncodedWord[] | null;
}

export interface EncodeOptions {
  signal: AbortSignal;
  /** Whether each word's part is wanted. */
  words?: boolean;
}

/** Computes vectors from texts. */
export interface TextVectors {
  /**
   * Computes texts' vectors with the default model for EMBEDDING, in the order of the texts. A text's vectors do not
   * depend on what else is encoded.
   * @throws ModelUnavailableError unless the model is READY; OverloadedError if too many texts wait; the signal's reason
   */
  encode(texts: readonly string[], options: EncodeOptions): Promise<readonly EncodedText[]>;
}

/** Languages as ISO 639-1 codes, or with a region or script, for example `zh-hant`. */
export interface LanguagePair {
  from: string;
  to: string;
}

/** How a word or name is to be translated. */
export interface GlossaryTerm {
  source: string;
  target: string;
}

export interface ModelTranslation {
  text: string;
  /** The geometric mean of the words' probabilities, in (0, 1]. */
  confidence: number;
  /** Terms that the text has and the translation found no place for. */
  missed: readonly GlossaryTerm[];
}

interface TranslateOptions extends LanguagePair {
  glossary: readonly GlossaryTerm[];
  signal: AbortSignal;
}

/** Translates texts with the models for TRANSLATION. */
export interface Translation {
  /** The pairs of the catalogue, whether their models are READY or not. */
  pairs(): readonly LanguagePair[];
  /**
   * @returns in the texts' order; a translation does not depend on what else is translated
   * @throws NotFoundError if no model has the pair; ModelUnavailableError while it is not READY: one that is absent is
   * fetched from then on, if this node may fetch; OverloadedError if too many texts wait; the signal's reason
   */
  translate(texts: readonly string[], options: TranslateOptions): Promise<readonly ModelTranslation[]>;
}

export interface Engine extends AsyncDisposable {
  models(): readonly Model[];
  /** The models in memory. */
  load(): readonly ModelLoad[];
  /** The default model for a task. */
  defaultModel(task: ModelTask): Model | null;
  /**
   * @param request what will be generated, if known: one listener may not take all places ([FAIR1])
   * @throws OverloadedError if the queue is full or the listener's share used up; ModelUnavailableError unless the
   * model is READY; NotFoundError
   */
  admit(modelId: string, request?: GenerationRequest): Ticket;
  /** Resolves when the model is READY. Rejects if it FAILED or the signal aborts. */
  whenReady(modelId: string, signal?: AbortSignal): Promise<void>;
  /** @throws InvalidInputError if the messages and `maxTokens` together do not fit the model's context */
  checkFits(modelId: string, request: GenerationRequest): void;
}

/** The state of a model's thread. Times are in milliseconds, counts are totals since it started. */
export interface WriterState {
  running: number;
  waiting: number;
  pace: PaceState;
  steps: number;
  /** Tokens decoded and prompt tokens processed. */
  decodedTokens: number;
  prefilledTokens: number;
  /** Time by phase: running the graph for either, sampling, and waiting for the reader. */
  decodeMs: number;
  prefillMs: number;
  sampleMs: number;
  waitMs: number;
  /** Tokens of the running drafts in the key–value cache. */
  heldTokens: number;
  prefix: { bytes: number; lookups: number; hits: number; tokensSaved: number };
}

/** Recent measurements, in milliseconds. */
export interface PaceState {
  /** From one token of a draft to its next. */
  stepMs: number;
  prefillTokenMs: number;
}
