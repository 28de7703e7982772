/** ERROR: it cannot be played as written. WARNING: it can, but probably not as meant. */
export type ProblemSeverity = 'ERROR' | 'WARNING';

/** What is wrong with a tune, and where. */
export interface TuneProblem {
  message: string;
  severity: ProblemSeverity;
  /** Both from 1. Columns count UTF-16 code units. */
  line: number;
  column: number;
  /** The number of the bar, from 1. Null outside of bars. */
  bar: number | null;
}

const MOST_PROBLEMS = 200;

/** Collects problems in the order of the text. More than `MOST_PROBLEMS` say nothing new. */
export class ProblemList {
  readonly #lineStarts: number[] = [0];
  readonly #found: (TuneProblem & { at: number })[] = [];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
  }

  /** @param at position in the text */
  add(severity: ProblemSeverity, message: string, at: number, bar: number | null = null): void {
    if (this.#found.length >= MOST_PROBLEMS) return;
    const line = this.#lineOf(at);
    this.#found.push({ message, severity, line: line + 1, column: at - (this.#lineStarts[line] ?? 0) + 1, bar, at });
  }

  get all(): TuneProblem[] {
    return this.#found.toSorted((a, b) => a.at - b.at).map(({ at: _, ...problem }) => problem);
  }

  #lineOf(at: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
