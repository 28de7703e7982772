import type { CompiledModel } from '../compile/compile.ts';
import type { GenerationEvent, Sampling, WriterState } from '../contract.ts';
import type { Device } from '../ort/session.ts';
import type { TokenBias } from '../sampling/token-bias.ts';
import type { TokenBytes } from '../text/token-bytes.ts';

/** What a thread needs to write with a model. */
export interface ThreadOptions {
  model: CompiledModel;
  threads: number;
  device: Device;
  slots: number;
  capacity: number;
  /** Memory for prompts that others may begin with, in bytes. */
  prefixBytes: number;
  tokenBytes: TokenBytes;
  /** Ids that end an answer. */
  ends: ReadonlySet<number>;
  /** Ids of the marks of the chat format, which no penalty touches. */
  controls: ReadonlySet<number>;
  /** Checks the scheduler's invariants at every step: for tests. */
  checked: boolean;
}

/** A draft to write. */
export interface Job {
  id: number;
  prompt: readonly number[];
  sampling: Sampling;
  /** What `sampling.logitBias` is in tokens. */
  biases: readonly TokenBias[];
  /** The text that the draft goes on from. */
  continued: string;
  /** Ids that were generated and recorded before a crash. */
  replay: readonly number[];
  listener: number | null;
  priority: number;
  /** Since it was asked for: the model had to be opened first. */
  waitedMs: number;
}

/** To the thread. `taken`: the last step's events have arrived. */
export type Command =
  { type: 'write'; job: Job } | { type: 'cancel'; id: number } | { type: 'taken' } | { type: 'close' };

/** From the thread. */
export type Report =
  | { type: 'ready' }
  | { type: 'failed'; message: string }
  | { type: 'step'; events: readonly JobEvent[]; state: WriterState };

export interface JobEvent {
  id: number;
  event: GenerationEvent;
}
