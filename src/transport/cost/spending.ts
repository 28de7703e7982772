import { type Clock, systemClock } from '../../lib/clock.ts';

export interface SpendingLimits {
  /** What all that a connection asks for and is sent may cost a minute. */
  perMinute: number;
  /** What one event of each of its live results may cost together: so much work one change can bring about. */
  live: number;
}

const MINUTE_MS = 60_000;

/**
 * What one connection has spent. It begins with a minute's worth, which comes back evenly. What is spent while anything is
 * left may go below nothing: then there is a wait until it is made good.
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

  /** Milliseconds until something may be spent again; 0: at once. The time is only looked at where it matters. */
  waitMs(): number {
    if (this.#left > 0) return 0;
    this.#refill();
    return this.#left > 0 ? 0 : Math.ceil((1 - this.#left) / (this.limits.perMinute / MINUTE_MS));
  }

  /** Takes on a live result for as long as it lasts. @returns its end, or null where it would be too much */
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
