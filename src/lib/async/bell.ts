/** Says to whoever waits in this process that it is worth looking again. */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #rings = 0;

  /** Number of rings so far. Take it before looking, and wait for one since. */
  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Settles at once if it has rung since, otherwise when it rings or the signal aborts. */
  rung(since: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== since || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
