import { Disposal } from '../../src/lib/async/disposal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FAILURES = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Runs a benchmark and releases what it acquired, however it ends: done, failed, told to end, or by a failure that nothing
 * caught. Its processes are in groups of their own, and would outlive it.
 */
export async function ending<Result>(work: (stack: Disposal) => Promise<Result>): Promise<Result> {
  const stack = new Disposal();
  let end: (reason: unknown) => void = () => undefined;
  const told = new Promise<never>((_, reject) => (end = reject));
  const onSignal = (signal: NodeJS.Signals): void => {
    // Also where the process ends because nothing is left to wait for: it has not done what it was to do.
    process.exitCode = 1;
    end(new Error(`ended by ${signal}`));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  for (const failure of FAILURES) process.on(failure, end);
  try {
    return await Promise.race([work(stack), told]);
  } finally {
    await stack[Symbol.asyncDispose]();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    for (const failure of FAILURES) process.off(failure, end);
  }
}
