import type { EncodedText } from '../contract.ts';
import type { EncoderCommand } from './protocol.ts';

type Encode = (lane: number, text: string, options: { words: boolean; signal: AbortSignal }) => Promise<EncodedText>;
type Asked = Omit<Extract<EncoderCommand, { type: 'encode' }>, 'type'>;

interface Request extends Asked {
  encoded: (EncodedText | undefined)[];
  next: number;
  left: number;
  ended: AbortController;
  resolve: (texts: readonly EncodedText[] | null) => void;
  reject: (reason: unknown) => void;
}

/** Requests take turns, a text each, on as many lanes as there are: a long request delays no short one for long. */
export class EncodingQueue {
  readonly #encode: Encode;
  readonly #requests = new Map<number, Request>();
  /** Those with texts that no lane has taken, in the order of their turns. */
  #turns: Request[] = [];
  readonly #idle: number[];
  readonly #running = new Set<Promise<void>>();

  constructor(lanes: number, encode: Encode) {
    this.#encode = encode;
    this.#idle = Array.from({ length: lanes }, (_, lane) => lane);
  }

  /** @returns its texts' vectors in order; null if it was cancelled. Rejects if one of its texts fails */
  add(asked: Asked): Promise<readonly EncodedText[] | null> {
    return new Promise((resolve, reject) => {
      if (asked.texts.length === 0) {
        resolve([]);
        return;
      }
      const progress = { encoded: [], next: 0, left: asked.texts.length, ended: new AbortController() };
      const request = { ...asked, ...progress, resolve, reject };
      this.#requests.set(asked.id, request);
      this.#turns.push(request);
      this.#fill();
    });
  }

  cancel(id: number): void {
    const request = this.#requests.get(id);
    if (request) this.#end(request, () => request.resolve(null));
  }

  /** Cancels everything, and waits for the runs in progress. */
  async close(): Promise<void> {
    for (const id of [...this.#requests.keys()]) this.cancel(id);
    await Promise.all(this.#running);
  }

  #fill(): void {
    for (let request = this.#turns[0]; request && this.#idle.length > 0; request = this.#turns[0]) {
      this.#turns.shift();
      const lane = this.#idle.pop() ?? 0;
      const at = request.next++;
      if (request.next < request.texts.length) this.#turns.push(request);
      const run = this.#run(request, lane, at).finally(() => {
        this.#running.delete(run);
        this.#idle.push(lane);
        this.#fill();
      });
      this.#running.add(run);
    }
  }

  async #run(request: Request, lane: number, at: number): Promise<void> {
    const { texts, words, ended } = request;
    try {
      request.encoded[at] = await this.#encode(lane, texts[at] ?? '', { words, signal: ended.signal });
      request.left--;
      if (request.left > 0) return;
      this.#end(request, () => request.resolve(request.encoded.flatMap((text) => text ?? [])));
    } catch (error) {
      this.#end(request, () => request.reject(error));
    }
  }

  #end(request: Request, settle: () => void): void {
    if (!this.#requests.delete(request.id)) return;
    this.#turns = this.#turns.filter((one) => one !== request);
    settle();
    request.ended.abort(new Error('it is no longer needed'));
  }
}
