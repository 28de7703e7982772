import type { PaceState } from '../../contract.ts';
import type { Costs } from './plan.ts';

/** Weight of the newest measurement: roughly the last ten count. */
const SMOOTHING = 0.1;

/** Until there are measurements: the values of the slowest known machines. */
export const ASSUMED: PaceState = { stepMs: 100, prefillTokenMs: 4 };

/** Exponential means of recent run times, in milliseconds. */
export class Pace implements Costs {
  readonly #decode = new Mean(ASSUMED.stepMs);
  readonly #prefillToken = new Mean(ASSUMED.prefillTokenMs);
  readonly #step = new Mean(ASSUMED.stepMs);

  get decode(): number {
    return this.#decode.value;
  }

  get prefillToken(): number {
    return this.#prefillToken.value;
  }

  get state(): PaceState {
    return { stepMs: this.#step.value, prefillTokenMs: this.#prefillToken.value };
  }

  recordDecode(ms: number): void {
    this.#decode.record(ms);
  }

  /** The time from one token of the growing drafts to their next, including everything in between. */
  recordStep(ms: number): void {
    this.#step.record(ms);
  }

  recordPrefill(tokens: number, ms: number): void {
    this.#prefillToken.record(ms / tokens);
  }
}

class Mean {
  value: number;
  #measured = false;

  constructor(assumed: number) {
    this.value = assumed;
  }

  record(value: number): void {
    this.value = this.#measured ? this.value + SMOOTHING * (value - this.value) : value;
    this.#measured = true;
  }
}
