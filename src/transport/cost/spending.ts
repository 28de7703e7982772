import { type Clock, systemClock } from '../../lib/clock.ts';

export interface SpendingLimits {
  /** Maximum cost per minute of all operations and events of a connection. */
  perMinute: number;
  /** Maximum total cost of one event of each live result: the work that a single change can cause. */
  live: number;
}

const MINUTE_MS = 60_000;

/**
 * The account of one connection. It starts with the budget of one minute and refills evenly. Spending may overdraw it,
 * and then everything waits until it has refilled.
 */
export class Spending {
  readonly limits: SpendingLimits;
  readonly #clock: Clock;
  #left: number;
  #at: number;
  #live = 0;

  constructor(limits: SpendingLimits, clock: Clock = systemClock) {
    this.limits = limits;
    this.#clock = clock;
    this.#left = limits.perMinute;
    this.#at = clock.monotonic();
  }

  get left(): number {
    this.#refill();
    return Math.max(0, Math.floor(this.#left));
  }

  get live(): number {
    return this.#live;
  }

  spend(cost: number): void {
    this.#left -= cost;
  }

  /** Milliseconds until something may be spent again. The clock is read only if the account is overdrawn. */
  waitMs(): number {
    if (this.#left > 0) return 0;
    this.#refill();
    return this.#left > 0 ? 0 : Math.ceil((1 - this.#left) / (this.limits.perMinute / MINUTE_MS));
  }

  /** Registers a live result. @returns a function that removes it, or null if it exceeds the limit */
  follow(cost: number): (() => void) | null {
    if (this.#live + cost > this.limits.live) return null;
    this.#live += cost;
    let ended = false;
    return () => {
      if (!ended) this.#live -= cost;
      ended = true;
    };
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const { perMinute } = this.limits;
    this.#left = Math.min(perMinute, this.#left + ((now - this.#at) * perMinute) / MINUTE_MS);
    this.#at = now;
  }
}
