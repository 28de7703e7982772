import { type Sleep, systemSleep } from '../clock.ts';

/** The wait between attempts. It doubles each time, up to the longest. */
export interface Backoff {
  firstMs: number;
  longestMs: number;
}

export interface RetryOptions {
  backoff: Backoff;
  /** Ends the retrying. A running attempt is awaited. */
  signal?: AbortSignal | undefined;
  /**
   * Called with each failure before the wait. If it throws, no further attempt is made: for failures that would recur.
   */
  onFailure: (error: unknown, waitMs: number) => void;
  sleep?: Sleep;
}

/**
 * Repeats an attempt until it succeeds.
 * @throws what `onFailure` throws; an AbortError if an attempt fails after the signal has aborted
 */
export async function retry<Result>(attempt: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { backoff, signal, onFailure, sleep = systemSleep } = options;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const waitMs = waitAfter(failures, backoff);
      onFailure(error, waitMs);
      await sleep(waitMs, signal);
    }
  }
}

/** The wait after the next failure in a row. */
export const waitAfter = (failures: number, { firstMs, longestMs }: Backoff): number =>
  Math.min(longestMs, firstMs * 2 ** failures);
