import type { ExecutionResult } from 'graphql';
import { LATER, OVER } from '../../lib/async/streams.ts';
import type { Answer, LiveResults } from '../live-results.ts';
import type { Peer } from './peer.ts';

/**
 * Sends a subscription's results to one socket as bytes, past the protocol's own sending. To the protocol it is an
 * iterator that yields nothing and then ends. An event is taken only if there is room for it, so a reader that does not
 * read costs a cursor and no memory ([SERVE6]).
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

  /** Settles when the subscription ends or fails. */
  next(): Promise<IteratorResult<ExecutionResult>> {
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
      this.#pump();
    });
  }

  /** Called whenever there may be something to send. A promise for each of a thousand sockets would cost too much. */
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

  /** Handles what cannot be polled: the end or failure of the subscription, or a source without polling. */
  async #sendRest(): Promise<void> {
    for (let answer = await this.#results.nextAnswer(); answer; answer = await this.#results.nextAnswer()) {
      await this.#sendInTurn(answer);
      await this.#room();
    }
    this.#end?.resolve(DONE);
  }

  /** While the answer was being prepared, other subscriptions of the socket may have filled its buffer. */
  async #sendInTurn(answer: Answer): Promise<void> {
    await this.#room();
    this.#send(answer);
  }

  async #room(): Promise<void> {
    while (this.#peer.isFull && !this.#left) await this.#peer.drained();
  }

  #send(answer: Answer): void {
    // After the subscription has ended, another may use the same id.
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
