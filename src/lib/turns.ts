/**
 * The event loop, shared: a party takes a turn before each piece of work, and gets one in each round of the loop. However much it
 * has to do, everybody else comes in between.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #resting: (() => void)[] = [];
  #isTaken = false;

  /** Settles at once when this round's turn has not been taken. */
  async take(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#grant();
  }

  /** Settles when all turns that were asked for have been taken: what follows from each can then be done for all at once. */
  async allTaken(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#resting.push(resolve));
  }

  #grant(): void {
    this.#isTaken = true;
    setImmediate(() => {
      this.#isTaken = false;
      const next = this.#waiting.shift();
      if (!next) {
        for (const settle of this.#resting.splice(0)) settle();
        return;
      }
      this.#grant();
      next();
    });
  }
}
