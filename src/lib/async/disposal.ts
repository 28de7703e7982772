/**
 * Releases what was acquired, last first, each even when another fails: what `AsyncDisposableStack` is to be, which the
 * oldest Node.js we run on does not have. The first failure is thrown when all have run.
 */
export class Disposal implements AsyncDisposable {
  readonly #releases: (() => unknown)[] = [];

  /** Takes charge of a resource. @returns the resource */
  use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(release: () => unknown): void {
    this.#releases.push(release);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let release = this.#releases.pop(); release; release = this.#releases.pop()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Runs a constructor that acquires several things: when it fails half way, what it had acquired is released. */
export async function acquiring<Result>(acquire: (disposal: Disposal) => Promise<Result>): Promise<Result> {
  const disposal = new Disposal();
  try {
    return await acquire(disposal);
  } catch (error) {
    await disposal[Symbol.asyncDispose]();
    throw error;
  }
}
