import { Readable } from 'node:stream';
import { GraphQLError } from 'graphql';
import type { ConnectionLimits } from '../../config.ts';
import { Answer, type LiveResults } from '../live-results.ts';

/** Why an event stream ends before its subject does. */
export interface Ending {
  signal: AbortSignal;
  message: string;
  code: string;
}

/** Heartbeats keep proxies from closing a silent connection. */
export type StreamLimits = Pick<ConnectionLimits, 'bufferBytes' | 'heartbeatMs'>;

const COMMENT = Buffer.from(':\n\n');
const COMPLETE = Buffer.from('event: complete\ndata:\n\n');

/**
 * A subscription's results as server-sent events, in bytes that its subscribers share. An event is taken only if there
 * is room for it. If the stream ends early, the last result says why, so that a reader can distinguish that from a
 * broken connection ([SERVE5]).
 */
export class EventStream extends Readable {
  readonly #results: LiveResults;
  readonly #endings: readonly Ending[];
  readonly #beats: NodeJS.Timeout;
  readonly #end = (): void => this.#finish();
  #taking = false;
  #finished = false;

  constructor(results: LiveResults, endings: readonly Ending[], { bufferBytes, heartbeatMs }: StreamLimits) {
    super({ highWaterMark: bufferBytes });
    this.#results = results;
    this.#endings = endings;
    this.#beats = setInterval(() => this.#beat(), heartbeatMs);
    for (const { signal } of endings) signal.addEventListener('abort', this.#end, { once: true });
    // Some browsers ignore a response until its first byte.
    this.push(COMMENT);
    if (endings.some(({ signal }) => signal.aborted)) this.#finish();
  }

  override _read(): void {
    if (this.#taking || this.#finished) return;
    this.#taking = true;
    this.#results.nextAnswer().then(
      (answer) => this.#give(answer),
      (error: unknown) => this.#give(new Answer({ errors: [error as GraphQLError] }), true),
    );
  }

  #give(answer: Answer | null, last = false): void {
    this.#taking = false;
    if (this.#finished) return;
    if (answer) this.push(answer.streamBytes);
    if (answer === null || last) this.#complete();
  }

  #finish(): void {
    if (this.#finished) return;
    const ending = this.#endings.find(({ signal }) => signal.aborted);
    if (ending) {
      const error = new GraphQLError(ending.message, { extensions: { code: ending.code } });
      this.push(new Answer({ errors: [error] }).streamBytes);
    }
    this.#complete();
  }

  #complete(): void {
    this.#finished = true;
    this.push(COMPLETE);
    this.push(null);
    this.#release();
  }

  #beat(): void {
    if (this.readableLength === 0) this.push(COMMENT);
  }

  #release(): void {
    clearInterval(this.#beats);
    for (const { signal } of this.#endings) signal.removeEventListener('abort', this.#end);
    void this.#results.return();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#finished = true;
    this.#release();
    done(error);
  }
}
