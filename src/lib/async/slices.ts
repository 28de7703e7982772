import { setImmediate as turn } from 'node:timers/promises';

/** Work that can be interrupted wherever it yields. */
export type Sliced<Result> = Generator<undefined, Result>;

/** Much shorter than a noticeable delay, and much longer than a turn of the event loop. */
const SLICE_MS = 5;

/** Does the work in slices and lets other events run between them. @throws the signal's reason when it aborts */
export async function inSlices<Result>(work: Sliced<Result>, signal?: AbortSignal): Promise<Result> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      const step = work.next();
      if (step.done) return step.value;
    } while (performance.now() < until);
    await turn();
    signal?.throwIfAborted();
  }
}

/** Does the work in one go, for callers on whom nothing else waits. */
export function atOnce<Result>(work: Sliced<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
