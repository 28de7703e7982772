import { setImmediate as turn } from 'node:timers/promises';

/** Work that may be interrupted wherever it yields. */
export type Sliced<Result> = Generator<undefined, Result>;

/** Far below what anybody waits for, and far above what a turn of the event loop costs. */
const SLICE_MS = 5;

/** Does the work in slices: between two of them everything else has its turn. @throws the signal's reason when it aborts */
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

/** Does the work in one go: for where nobody else waits. */
export function atOnce<Result>(work: Sliced<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
