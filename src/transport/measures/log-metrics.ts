import { Counter, Histogram, type Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How long the drafts' logs take to make events durable ([OPS1]). */
export class LogMetrics {
  readonly #seconds = new Histogram({
    name: 'cadenza_draft_log_append_seconds',
    help: 'Time until events of a draft are durable.',
    ...{ buckets: SECONDS, registers: [] },
  });
  readonly #events = new Counter({
    name: 'cadenza_draft_log_events_total',
    help: 'Events that were appended to the logs of drafts.',
    registers: [],
  });
  readonly #failures = new Counter({
    name: 'cadenza_draft_log_failures_total',
    help: 'Appends that failed; they are repeated until the store answers.',
    registers: [],
  });

  registerIn(registry: Registry): void {
    registry.registerMetric(this.#seconds);
    registry.registerMetric(this.#events);
    registry.registerMetric(this.#failures);
  }

  /** Measures one append of so many events. */
  async around<Answer>(events: number, append: () => Promise<Answer>): Promise<Answer> {
    const end = this.#seconds.startTimer();
    try {
      const answer = await append();
      end();
      this.#events.inc(events);
      return answer;
    } catch (error) {
      this.#failures.inc();
      throw error;
    }
  }
}
