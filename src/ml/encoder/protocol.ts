import type { EncodedText } from '../contract.ts';
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

/** Messages to the thread. */
export type EncoderCommand =
  | { type: 'encode'; id: number; texts: readonly string[]; words: boolean }
  | { type: 'cancel'; id: number }
  | { type: 'close' };

/** Messages from the thread. */
export type EncoderReport =
  | { type: 'ready' }
  | { type: 'failed'; message: string }
  | { type: 'encoded'; id: number; texts: readonly EncodedText[] }
  | { type: 'refused'; id: number; message: string };
