import type { Device } from '../ort/session.ts';

/** What a thread needs to encode with a model. */
export interface EncoderThreadOptions {
  /** The folder with graph and tokenizer. */
  folder: string;
  device: Device;
  /** Number of sequences that run at the same time. */
  lanes: number;
  /** Most tokens of one sequence, the marks at its ends included. */
  context: number;
}

export interface EncodingOptions {
  /** Whether each word's part is wanted. */
  words: boolean;
}
