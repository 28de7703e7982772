import type { TunePlan } from '../../tunes/tunes.ts';
import type { CompiledModel } from '../compile/compile.ts';
import type { Beginning, FormatRequest, GenerationEvent, Sampling, VerseRequest, WriterState } from '../contract.ts';
import type { Device } from '../ort/session.ts';
import type { TokenBias } from '../sampling/token-bias.ts';
import type { TokenBytes } from '../text/tokenizer/token-bytes.ts';

/** What a thread needs to write with a model. */
export interface ThreadOptions {
  model: CompiledModel;
  threads: number;
  device: Device;
  slots: number;
  capacity: number;
  /** Memory for cached beginnings of prompts, in bytes. */
  prefixBytes: number;
  tokenBytes: TokenBytes;
  /** Tokens that end an answer. */
  ends: ReadonlySet<number>;
  /** Tokens that penalties do not apply to. */
  exempt: ReadonlySet<number>;
  /** Checks the scheduler's invariants at every step, for tests. */
  checked: boolean;
}

/** A draft to write. */
export interface WriterJob {
  id: number;
  prompt: readonly number[];
  sampling: Sampling;
  /** `sampling.logitBias` in tokens. */
  biases: readonly TokenBias[];
  /** The form that the text keeps. The words are in memory that the threads share. */
  verse: VerseRequest | null;
  /** The form of the answer. */
  format: FormatRequest | null;
  beginning: Beginning | null;
  /** The text that the draft continues. */
  continued: string;
  /** The plan of a tune. */
  tune: TunePlan | null;
  /** Tokens that were generated and recorded before a crash. */
  replay: readonly number[];
  /** Whether `replay` is a text that is to be scored, so that its tokens are events too. */
  isScored: boolean;
  listener: number | null;
  priority: number;
  /** Milliseconds since the request, because the model had to be opened first. */
  waitedMs: number;
}

/** Messages to the thread. `taken`: the last step's events have arrived. */
export type WriterCommand =
  { type: 'write'; job: WriterJob } | { type: 'cancel'; id: number } | { type: 'taken' } | { type: 'close' };

/** Messages from the thread. */
export type Report =
  | { type: 'ready'; fingerprint: string }
  | { type: 'failed'; message: string }
  | { type: 'step'; events: readonly JobEvent[]; state: WriterState };

/** The thread does not repeat who it is with every draft. */
export type ThreadEvent = Exclude<GenerationEvent, { type: 'started' }> | { type: 'started'; promptTokens: number };

export interface JobEvent {
  id: number;
  event: ThreadEvent;
}
