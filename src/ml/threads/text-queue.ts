import type { AnswerCommand } from './protocol.ts';

/** Answers one text on a lane, of which each runs one at a time. */
export type AnswerText<Options, Answer> = (
  lane: number,
  text: string,
  options: Options,
  signal: AbortSignal,
) => Promise<Answer>;
type Asked<Options> = Omit<Extract<AnswerCommand<Options>, { type: 'answer' }>, 'type'>;

interface Request<Options, Answer> extends Asked<Options> {
  answers: (Answer | undefined)[];
  next: number;
  left: number;
  ended: AbortController;
  resolve: (answers: readonly Answer[] | null) => void;
  reject: (reason: unknown) => void;
}

/** Requests take turns, a text each, on as many lanes as there are: a long request delays no short one for long. */
export class TextQueue<Options, Answer> {
  readonly #answer: AnswerText<Options, Answer>;
  readonly #requests = new Map<number, Request<Options, Answer>>();
  /** Those with texts that no lane has taken, in the order of their turns. */
  #turns: Request<Options, Answer>[] = [];
  readonly #idle: number[];
  readonly #running = new Set<Promise<void>>();

  constructor(lanes: number, answer: AnswerText<Options, Answer>) {
    this.#answer = answer;
    this.#idle = Array.from({ length: lanes }, (_, lane) => lane);
  }

  /** @returns the answers in the texts' order; null if it was cancelled. Rejects if one of its texts fails */
  add(asked: Asked<Options>): Promise<readonly Answer[] | null> {
    return new Promise((resolve, reject) => {
      if (asked.texts.length === 0) {
        resolve([]);
        return;
      }
      const progress = { answers: [], next: 0, left: asked.texts.length, ended: new AbortController() };
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

  async #run(request: Request<Options, Answer>, lane: number, at: number): Promise<void> {
    const { texts, options, ended } = request;
    try {
      request.answers[at] = await this.#answer(lane, texts[at] ?? '', options, ended.signal);
      request.left--;
      if (request.left > 0) return;
      this.#end(request, () => request.resolve(request.answers.flatMap((answer) => answer ?? [])));
    } catch (error) {
      this.#end(request, () => request.reject(error));
    }
  }

  #end(request: Request<Options, Answer>, settle: () => void): void {
    if (!this.#requests.delete(request.id)) return;
    this.#turns = this.#turns.filter((one) => one !== request);
    settle();
    request.ended.abort(new Error('it is no longer needed'));
  }
}
