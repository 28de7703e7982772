/** One request of a group that is committed together, and who waits for it. */
interface Waiting<Request, Result> {
  request: Request;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

/**
 * Collects what is asked for at the same moment, and while a commit is under way, into one commit. Nothing waits longer
 * than for the commit before it, and a lone request not at all: what one turn of the event loop brings, such as the
 * tokens of all drafts of one step, goes together.
 */
export class Batcher<Request, Result> {
  readonly #commit: (requests: readonly Request[]) => Promise<readonly Result[]>;
  readonly #most: number;
  #waiting: Waiting<Request, Result>[] = [];
  #working = false;

  /**
   * @param commit all of it or nothing; a result for each request
   * @param most requests of one commit
   */
  constructor(commit: (requests: readonly Request[]) => Promise<readonly Result[]>, most = 64) {
    this.#commit = commit;
    this.#most = most;
  }

  /** Rejects when the commit that the request was in fails. */
  submit(request: Request): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (this.#working) return;
      this.#working = true;
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#most);
      try {
        const results = await this.#commit(group.map(({ request }) => request));
        group.forEach(({ resolve }, i) => resolve(results[i] as Result));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#working = false;
  }
}
