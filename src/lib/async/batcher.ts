/** A request that waits for its commit. */
interface Waiting<Request, Result> {
  request: Request;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

/**
 * Collects requests into commits: those made in the same turn of the event loop, such as the tokens of all drafts of
 * one step, and those made while a commit is running. A request waits for the running commit, or for the end of the
 * current turn if there is none.
 */
export class Batcher<Request, Result> {
  readonly #commit: (requests: readonly Request[]) => Promise<readonly Result[]>;
  readonly #most: number;
  #waiting: Waiting<Request, Result>[] = [];
  #working = false;

  /**
   * @param commit commits all requests or none, and returns a result for each
   * @param most maximum number of requests in one commit
   */
  constructor(commit: (requests: readonly Request[]) => Promise<readonly Result[]>, most = 64) {
    this.#commit = commit;
    this.#most = most;
  }

  /** Rejects if the commit with this request fails. */
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
