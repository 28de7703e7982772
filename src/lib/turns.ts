/**
 * The event loop, shared: a party takes a turn before each piece of work, and gets one in each round of the loop. However much it
 * has to do, everybody else comes in between.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** Settles at once when this round's turn has not been taken. */
  async take(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#grant();
  }

  #grant(): void {
    this.#isTaken = true;
    setImmediate(() => {
      this.#isTaken = false;
      const next = this.#waiting.shift();
      if (!next) return;
      this.#grant();
      next();
    });
  }
}
