import type { ExecutionResult } from 'graphql';
import { LATER, OVER } from '../../lib/async/streams.ts';
import type { Answer, LiveResults } from '../live-results.ts';
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
  #end: { resolve: (result: IteratorResult<ExecutionResult>) => void; reject: (error: unknown) => void } | null = null;

  constructor(results: LiveResults, peer: Peer, id: string) {
    this.#results = results;
    this.#peer = peer;
    this.#start = Buffer.from(`{"id":${JSON.stringify(id)}`);
  }

  /** Settles at the end, or with what went wrong. */
  next(): Promise<IteratorResult<ExecutionResult>> {
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
      this.#pump();
    });
  }

  /** Called whenever there may be something to send, without a promise for each of a thousand sockets. */
  readonly #pump = (): void => {
    try {
      while (this.#mayGoOn()) {
        const answer = this.#results.pollAnswer(this.#pump);
        if (answer === LATER) break;
        if (answer === OVER || answer instanceof Promise) {
          this.#wait(
            answer === OVER ? this.#sendRest() : answer.then((made) => this.#sendInTurn(made)).then(this.#pump),
          );
          break;
        }
        this.#send(answer);
      }
    } catch (error) {
      this.#end?.reject(error);
    }
  };

  #mayGoOn(): boolean {
    if (this.#left) this.#end?.resolve(DONE);
    else if (this.#peer.isFull) this.#wait(this.#peer.drained().then(this.#pump));
    else return true;
    return false;
  }

  #wait(next: Promise<void>): void {
    next.catch((error: unknown) => this.#end?.reject(error));
  }

  /** What cannot be polled: how it ended, or all of it. */
  async #sendRest(): Promise<void> {
    for (let answer = await this.#results.nextAnswer(); answer; answer = await this.#results.nextAnswer()) {
      await this.#sendInTurn(answer);
      await this.#room();
    }
    this.#end?.resolve(DONE);
  }

  /** While the answer was made, other subscriptions of the same socket may have filled it. */
  async #sendInTurn(answer: Answer): Promise<void> {
    await this.#room();
    this.#send(answer);
  }

  async #room(): Promise<void> {
    while (this.#peer.isFull && !this.#left) await this.#peer.drained();
  }

  #send(answer: Answer): void {
    // Once it has left, the id may be that of another subscription.
    if (!this.#left && !this.#peer.sendParts(this.#start, answer.socketBytes)) void this.return();
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
