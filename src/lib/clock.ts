import { setTimeout as delay } from 'node:timers/promises';

/** Time as a dependency, so that tests can control it. */
export interface Clock {
  /** Milliseconds since the epoch, like `Date.now()`. */
  now(): number;
  /** Milliseconds from an arbitrary origin, for durations. It never jumps. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Waits for this many milliseconds, independent of the wall clock. Rejects if the signal aborts. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const systemSleep: Sleep = (ms, signal) => delay(ms, undefined, signal && { signal });
