import type { GraphQLError } from 'graphql';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Mask } from './live-results.ts';

type Transport = 'http' | 'websocket';

/** Clients may see at most so many codes; a label for each of more would fill the memory of who collects them. */
const MOST_CODES = 50;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts what a node serves, for `/metrics` ([SERVE10]). */
export class Traffic {
  readonly #requests: Counter<'transport' | 'status'>;
  readonly #seconds: Histogram<'transport'>;
  readonly #errors: Counter<'code'>;
  readonly #codes = new Set<string>();
  #streams = 0;

  /** @param sockets the numbers of open WebSockets and of subscriptions over them */
  constructor(registry: Registry, sockets: () => { open: number; subscriptions: number }) {
    const options = (name: string, help: string) => ({ name: `cadenza_${name}`, help, registers: [registry] });
    this.#requests = new Counter({
      ...options('requests_total', 'Requests over HTTP by status, and operations over WebSocket.'),
      labelNames: ['transport', 'status'],
    });
    this.#seconds = new Histogram({
      ...options('request_seconds', 'Time of requests and operations, without event streams and subscriptions.'),
      ...{ labelNames: ['transport'] as const, buckets: SECONDS },
    });
    this.#errors = new Counter({
      ...options('errors_total', 'Errors in answers and events, by their code.'),
      labelNames: ['code'],
    });
    const subscribers = new Gauge({
      ...options('subscribers', 'Open event streams and subscriptions.'),
      labelNames: ['transport'],
      collect: () => {
        subscribers.set({ transport: 'sse' }, this.#streams);
        subscribers.set({ transport: 'websocket' }, sockets().subscriptions);
      },
    });
    const open = new Gauge({
      ...options('sockets', 'Open WebSockets.'),
      collect: (): void => open.set(sockets().open),
    });
  }

  /** @param seconds null for a stream, which lasts as long as its reader wants */
  served(transport: Transport, status: string, seconds: number | null): void {
    this.#requests.inc({ transport, status });
    if (seconds !== null) this.#seconds.observe({ transport }, seconds);
  }

  /** @returns what to call when the stream closes */
  streamOpened(): () => void {
    this.#streams++;
    return () => {
      this.#streams--;
    };
  }

  /** Counts the errors that a mask makes. */
  counting(mask: Mask): Mask {
    return (error: unknown): GraphQLError => {
      const masked = mask(error);
      const { code } = masked.extensions;
      this.#errors.inc({ code: this.#known(typeof code === 'string' ? code : 'UNKNOWN') });
      return masked;
    };
  }

  #known(code: string): string {
    if (this.#codes.size >= MOST_CODES && !this.#codes.has(code)) return 'OTHER';
    this.#codes.add(code);
    return code;
  }
}
