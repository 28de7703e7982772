/** Moments are of `performance.now()`, in milliseconds. */
export interface Outage {
  name: string;
  from: number;
  /** When what was away is back; infinite while it is not. */
  to: number;
}

/** What was done to the installation, and when. */
export class Timeline {
  readonly outages: Outage[] = [];
  readonly #steps: { name: string; at: number }[] = [];

  /** Notes what is done next. */
  step(name: string): void {
    this.#steps.push({ name, at: performance.now() });
    console.error(name);
  }

  /** A moment in words: how long after which step. */
  describe(at: number): string {
    const last = this.#steps.findLast((step) => step.at <= at);
    return last ? `${((at - last.at) / 1000).toFixed(1)} s after “${last.name}”` : 'before the first step';
  }

  /** Nothing can be served while it lasts: the database is away, or the logs are. */
  async outage(name: string, work: () => Promise<unknown>): Promise<void> {
    const outage = { name, from: performance.now(), to: Infinity };
    this.outages.push(outage);
    this.step(`${name}: away`);
    await work();
    outage.to = performance.now();
    this.step(`${name}: back after ${((outage.to - outage.from) / 1000).toFixed(1)} s`);
  }

  /** The last outage that a stretch of time meets, counting the time in which nodes find out that it is over. */
  during(from: number, to: number, settlingMs = 0): Outage | null {
    return this.outages.findLast((outage) => outage.from <= to && outage.to + settlingMs >= from) ?? null;
  }
}
