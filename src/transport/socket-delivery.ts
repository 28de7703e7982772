import type { ExecutionResult } from 'graphql';
import type { LiveResults } from './live-results.ts';
import type { Peer } from './peer.ts';

/**
 * A subscription's results on their way to one socket, as bytes and past the protocol's own sending: to that it is an iterator
 * that has nothing to say until it ends. An event is taken when there is room for it, so that a reader who does not read
 * costs a cursor and no memory ([SERVE6]).
 */
export class SocketDelivery implements AsyncIterableIterator<ExecutionResult> {
  readonly #results: LiveResults;
  readonly #peer: Peer;
  readonly #start: Buffer;
  #left = false;

  constructor(results: LiveResults, peer: Peer, id: string) {
    this.#results = results;
    this.#peer = peer;
    this.#start = Buffer.from(`{"id":${JSON.stringify(id)}`);
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    for (;;) {
      while (this.#peer.isFull && !this.#left) await this.#peer.drained();
      const answer = await this.#results.nextAnswer();
      // The id may by now be that of another subscription.
      if (answer === null || this.#left) return DONE;
      if (!this.#peer.sendParts(this.#start, answer.socketBytes)) return this.return();
    }
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#left = true;
    await this.#results.return();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
