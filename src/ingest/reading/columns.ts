import { InvalidInputError } from '../../lib/errors.ts';
import { nearest } from '../../lib/text/nearest.ts';
import type { Notices } from '../notices.ts';
import { formatHint } from './format-hint.ts';

/** The columns of a format. A file may have them in any order; absent or empty values are undefined. */
export interface Columns {
  required: readonly string[];
  optional: readonly string[];
}

/** The meaning of a file's own column names: one of our columns, or null for a column to ignore. */
export type Renames = ReadonlyMap<string, string | null>;

export const noRenames: Renames = new Map();

export interface Naming {
  renames: Renames;
  notices: Notices;
}

/** Matches a file's columns with those of a format, after renaming. */
export class ColumnNames {
  readonly #columns: Columns;
  readonly #renames: Renames;
  readonly #notices: Notices;
  readonly #name: string;
  /** Renamed columns that have not occurred in the file yet. */
  readonly #awaited: Set<string>;

  /** @param name the file's name, for messages */
  constructor(columns: Columns, { renames, notices }: Naming, name: string) {
    this.#columns = columns;
    this.#renames = renames;
    this.#notices = notices;
    this.#name = name;
    this.#awaited = new Set(renames.keys());
  }

  /** Our columns in the header's order, null for one that is left out. @throws InvalidInputError [IMP6] */
  ofHeader(values: readonly string[]): (string | null)[] {
    const theirs = values.map((value) => value.trim());
    if (theirs.includes('')) this.#notices.add('unnamed', 1);
    const ours = this.#ours(theirs, true);
    const where = `${this.#name}, header:`;
    if ('problem' in ours) throw new InvalidInputError(`${where} ${ours.problem}${this.hint(theirs)}`, 'path');
    this.checkRenamed();
    const missing = this.#columns.required.filter((column) => !ours.names.includes(column));
    if (missing.length === 0) return ours.names;
    throw new InvalidInputError(
      `${where} column "${missing.join('", "')}" is missing; --map THEIRS=${missing[0] ?? ''} uses another column for it`,
      'path',
    );
  }

  /** Like `ofHeader`, for the keys of one row. @returns a problem of the row instead, if there is one */
  ofRow(keys: readonly string[]): { names: (string | null)[] } | { problem: string } {
    return this.#ours(keys, false);
  }

  /** A suggestion of the format to which these columns belong. Empty if there is none. */
  hint(theirs: readonly string[]): string {
    return formatHint(theirs, this.#columns.required);
  }

  /** @throws InvalidInputError if a renamed column does not occur in the file */
  checkRenamed(): void {
    const [absent] = this.#awaited;
    if (absent === undefined) return;
    throw new InvalidInputError(`${this.#name} has no column "${absent}", which --map names`, 'path');
  }

  #ours(theirs: readonly string[], isHeader: boolean): { names: (string | null)[] } | { problem: string } {
    const names: (string | null)[] = [];
    for (const their of theirs) {
      const renamed = this.#renames.get(their);
      this.#awaited.delete(their);
      const name = renamed === undefined ? their : renamed;
      if (their === '' && isHeader) {
        names.push(null);
        continue;
      }
      if (renamed === undefined && !this.#isKnown(their)) return { problem: this.#unknown(their) };
      if (name !== null && names.includes(name)) return { problem: `column "${name}" occurs twice` };
      names.push(name);
    }
    return { names };
  }

  #isKnown(column: string): boolean {
    return this.#columns.required.includes(column) || this.#columns.optional.includes(column);
  }

  #unknown(column: string): string {
    const known = [...this.#columns.required, ...this.#columns.optional];
    const meant = nearest(column, known);
    const shown = column.slice(0, 50);
    if (meant) return `unknown column "${shown}"; did you mean "${meant}"?`;
    return `unknown column "${shown}"; known are ${known.join(', ')}; --map "${shown}"=OURS renames it, --map "${shown}"= leaves it out`;
  }
}
