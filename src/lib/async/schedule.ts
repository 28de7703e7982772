/**
 * Runs a task now and again, `periodMs` after it last ended, so that no two runs overlap. A run that fails is reported
 * and the next one takes place all the same. Disposing it waits for the run under way.
 */
export function repeat(
  periodMs: number,
  task: () => Promise<void>,
  onFailure: (error: unknown) => void,
): AsyncDisposable {
  let timer: NodeJS.Timeout | null = null;
  let ended = false;
  const round = async (): Promise<void> => {
    await task().catch(onFailure);
    if (!ended) timer = setTimeout(next, periodMs).unref();
  };
  const next = (): void => {
    running = round();
  };
  let running = round();
  return {
    [Symbol.asyncDispose]: async () => {
      ended = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}
