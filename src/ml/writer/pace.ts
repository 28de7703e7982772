import type { Costs } from './plan.ts';

/** Weight of the newest measurement: about the last ten count. */
const SMOOTHING = 0.1;

/** How long runs take lately, in ms: exponential means. Until measured, what the slowest machines that we know of take. */
export class Pace implements Costs {
  readonly #decode = new Mean(100);
  readonly #prefillToken = new Mean(4);
  readonly #step = new Mean(100);

  get decode(): number {
    return this.#decode.value;
  }

  get prefillToken(): number {
    return this.#prefillToken.value;
  }

  /** From one token of a draft to its next. */
  get step(): number {
    return this.#step.value;
  }

  recordDecode(decodeMs: number, stepMs: number): void {
    this.#decode.record(decodeMs);
    this.#step.record(stepMs);
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
