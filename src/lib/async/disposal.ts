/**
 * Releases resources in reverse order, each even if another fails. It stands in for `AsyncDisposableStack`, which the
 * oldest supported Node.js lacks. The first failure is thrown after all have been released.
 */
export class Disposal implements AsyncDisposable {
  readonly #releases: (() => unknown)[] = [];

  /** Takes ownership of a resource. @returns the resource */
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

/** Runs a function that acquires several resources. If it fails, those already acquired are released. */
export async function acquiring<Result>(acquire: (disposal: Disposal) => Promise<Result>): Promise<Result> {
  const disposal = new Disposal();
  try {
    return await acquire(disposal);
  } catch (error) {
    await disposal[Symbol.asyncDispose]();
    throw error;
  }
}
