/**
 * Fair use of the event loop: a party takes a turn before each piece of work and gets one turn in each round of the
 * loop. However much it has to do, all others run in between.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #resting: (() => void)[] = [];
  #isTaken = false;

  /** Settles at once if this round's turn has not been taken. */
  async take(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#grant();
  }

  /** Settles when all requested turns have been taken, so that their follow-up work can be done together. */
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
