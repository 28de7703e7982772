import { performance } from 'node:perf_hooks';
import process from 'node:process';
/** The other end of `startCallee`: says that it is ready, then answers one call after the other. */
export function answer(methods) {
  process.on('message', ({ method, argument }) => {
    methods[method](argument).then(
      (result) => process.send({ result }),
      (error) => process.send({ error: String(error?.stack ?? error) }),
    );
  });
  process.once('disconnect', () => process.exit());
  process.send({ result: null });
}

/** Notes when a draft's tokens arrive. */
export function timer() {
  const start = performance.now();
  return (tokens = 1) => ({ at: performance.now() - start, tokens });
}
