import { DeadlineExceededError } from '../errors.ts';

/** A time limit for one piece of work. */
export interface TimeLimit {
  ms: number;
  /** What the caller is told who waited for longer. */
  message: string;
}

/**
 * Does work under a signal that aborts when the outer one does or at the time limit.
 * @throws DeadlineExceededError at the time limit, whatever the work makes of the signal
 */
export function withinTime<Result>(
  outer: AbortSignal | undefined,
  { ms, message }: TimeLimit,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const overdue = new AbortController();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      overdue.abort(new DeadlineExceededError(message));
      reject(overdue.signal.reason as Error);
    }, ms);
    work(outer ? AbortSignal.any([outer, overdue.signal]) : overdue.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
