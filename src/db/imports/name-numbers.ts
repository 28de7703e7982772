/** Number of names in memory. Beyond it they are forgotten, and a name that occurs again gets another number. */
const MOST_NAMES = 250_000;

export interface NumberedName {
  number: number;
  name: string;
}

/** Numbers names as they occur, so that a row of millions holds a number in place of a name. */
export class NameNumbers {
  readonly #most: number;
  readonly #numbers = new Map<string, number>();
  #fresh: NumberedName[] = [];
  #last = 0;

  constructor(most = MOST_NAMES) {
    this.#most = most;
  }

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#numbers.size >= this.#most) this.#numbers.clear();
    // A piece of a read block keeps all of the block in memory; a copy does not.
    const copy = Buffer.from(name).toString();
    const number = ++this.#last;
    this.#numbers.set(copy, number);
    this.#fresh.push({ number, name: copy });
    return number;
  }

  /** Number of names that `takeFresh` would return. */
  get freshCount(): number {
    return this.#fresh.length;
  }

  /** The names that were numbered since the last call. */
  takeFresh(): NumberedName[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}
