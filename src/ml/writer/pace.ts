import type { PaceState } from '../contract.ts';
import type { Costs } from './plan.ts';

/** Weight of the newest measurement: about the last ten count. */
const SMOOTHING = 0.1;

/** Until measured: what the slowest machines that we know of take. */
export const ASSUMED: PaceState = { stepMs: 100, prefillTokenMs: 4 };

/** How long runs take lately, in ms: exponential means. */
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

  /** From one token of the drafts that grow to their next, all that is in between included. */
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
