import { type Sleep, systemSleep } from '../clock.ts';

/** Waits between attempts: each is twice the one before, up to the longest. */
export interface Backoff {
  firstMs: number;
  longestMs: number;
}

export interface RetryOptions {
  backoff: Backoff;
  /** Ends the retrying. An attempt that is under way is awaited. */
  signal: AbortSignal;
  /** Is told of each failure before the wait. What it throws ends the retrying: for failures that no other attempt would avoid. */
  onFailure: (error: unknown, waitMs: number) => void;
  sleep?: Sleep;
}

/** Attempts until it succeeds. @throws what `onFailure` throws, and an AbortError when it failed and the signal has aborted */
export async function retry<Result>(attempt: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { backoff, signal, onFailure, sleep = systemSleep } = options;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const waitMs = waitAfter(failures, backoff);
      onFailure(error, waitMs);
      await sleep(waitMs, signal);
    }
  }
}

/** The wait after the next failure in a row, of which there were so many before. */
export const waitAfter = (failures: number, { firstMs, longestMs }: Backoff): number =>
  Math.min(longestMs, firstMs * 2 ** failures);
