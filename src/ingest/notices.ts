/** An interpretation of ambiguous values or columns. */
export type Notice = 'missing' | 'name' | 'noZone' | 'comma' | 'unnamed';

const words: Record<Notice, (count: string, line: number) => string> = {
  missing: (count, line) => `${count} such as NULL, nan or a year 0 were taken as no value (first on line ${line}).`,
  name: (count, line) =>
    `${count} that names something is a word for none, and was taken as a name (first on line ${line}).`,
  noZone: (count, line) => `${count} had no offset from UTC and was taken as UTC (first on line ${line}).`,
  unnamed: () => 'A column without a name, as pandas writes for its index, was left out.',
  comma: (count, line) =>
    `${count} of genres or tags has a comma but no semicolon, and was taken as one entry (first on line ${line}).`,
};

/** Counts interpretations, so that none happens silently. */
export class Notices {
  readonly #seen = new Map<Notice, { count: number; line: number }>();

  add(notice: Notice, line: number): void {
    const seen = this.#seen.get(notice);
    if (seen) seen.count++;
    else this.#seen.set(notice, { count: 1, line });
  }

  /** One sentence for each kind. */
  notes(): string[] {
    return [...this.#seen].map(([notice, { count, line }]) =>
      words[notice](count === 1 ? '1 value' : `${count} values`, line),
    );
  }
}
