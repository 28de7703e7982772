/**
 * Runs a task repeatedly, `periodMs` after its previous end, so that runs never overlap. A failure is reported and does
 * not prevent the next run. Disposing it waits for a running task.
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
