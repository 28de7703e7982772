import type { WriterState } from '../../contract.ts';

type Counts = Pick<
  WriterState,
  'steps' | 'decodedTokens' | 'prefilledTokens' | 'decodeMs' | 'prefillMs' | 'sampleMs' | 'waitMs'
>;

/** Totals over all steps since the start. */
export class Tally {
  sampleMs = 0;
  waitMs = 0;
  #steps = 0;
  #decodedTokens = 0;
  #prefilledTokens = 0;
  #decodeMs = 0;
  #prefillMs = 0;

  countRuns(decoded: number, decodeMs: number, prefilled: number, prefillMs: number): void {
    if (decoded + prefilled === 0) return;
    this.#steps++;
    this.#decodedTokens += decoded;
    this.#prefilledTokens += prefilled;
    this.#decodeMs += decodeMs;
    this.#prefillMs += prefillMs;
  }

  read(): Counts {
    return {
      steps: this.#steps,
      decodedTokens: this.#decodedTokens,
      prefilledTokens: this.#prefilledTokens,
      decodeMs: this.#decodeMs,
      prefillMs: this.#prefillMs,
      sampleMs: this.sampleMs,
      waitMs: this.waitMs,
    };
  }
}
