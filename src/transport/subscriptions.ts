import { GraphQLError, type ExecutionResult } from 'graphql';

/** Why a stream of events ends before its subject does. */
export interface Ending {
  signal: AbortSignal;
  message: string;
  code: string;
}

/**
 * A subscription's results until they end by themselves or one of the endings comes: then the last result says why, so
 * that a reader can tell an end from a break ([SERVE5]).
 */
export async function* endingWith(
  results: AsyncIterable<ExecutionResult>,
  endings: readonly Ending[],
): AsyncGenerator<ExecutionResult> {
  const iterator = results[Symbol.asyncIterator]();
  const ended = AbortSignal.any(endings.map(({ signal }) => signal));
  try {
    for (;;) {
      const next = await raceAbort(iterator.next(), ended);
      if (next === 'aborted') break;
      if (next.done) return;
      yield next.value;
    }
    const ending = endings.find(({ signal }) => signal.aborted);
    if (ending) yield { errors: [new GraphQLError(ending.message, { extensions: { code: ending.code } })] };
  } finally {
    await iterator.return?.();
  }
}

function raceAbort<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value | 'aborted'> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve('aborted');
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
