import { FormatError } from './program.ts';

const MOST_STEPS = 1_000_000;

/** Counts the work of reading one format, so that no source takes long. One step is about the comparison of two values. */
export class ReadingSteps {
  #spent = 0;

  get spent(): number {
    return this.#spent;
  }

  /** @throws FormatError beyond the bound */
  spend(count: number): void {
    this.#spent += count;
    if (this.#spent > MOST_STEPS) throw new FormatError(`takes more than ${MOST_STEPS} steps to read`);
  }
}
