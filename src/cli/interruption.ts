/** A key press in a terminal may arrive twice, from the terminal and from a parent that passes it on. */
const SAME_PRESS_MS = 1_000;

/** A signal that the first SIGINT or SIGTERM aborts, to end the command in order. A later one ends the process at once. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  let first: number | null = null;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_PRESS_MS) process.exit(130);
      interrupted.abort();
    });
  }
  return interrupted.signal;
}
