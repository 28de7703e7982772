/**
 * Rows by id, as long as nothing changes: most requests ask for what many asked for before. Bounded by starting over, which
 * costs a few statements and no bookkeeping on the way there.
 */
export class RowCache<Row> {
  readonly #load: (ids: readonly number[]) => Promise<Map<number, Row>>;
  #rows = new Map<number, Row | undefined>();

  constructor(load: (ids: readonly number[]) => Promise<Map<number, Row>>) {
    this.#load = load;
  }

  /** The rows that there are; one statement for those that are not at hand. */
  async get(ids: readonly number[]): Promise<Map<number, Row>> {
    const rows = this.#rows;
    const missing = ids.filter((id) => !rows.has(id));
    const loaded = missing.length > 0 ? await this.#load(missing) : null;
    const found = new Map<number, Row>();
    for (const id of ids) {
      const row = loaded?.get(id) ?? rows.get(id);
      if (row !== undefined) found.set(id, row);
    }
    // Cleared while we read: what we read may be from before, which is right for us and wrong for the next.
    if (loaded && rows === this.#rows) this.#keep(missing, loaded);
    return found;
  }

  clear(): void {
    this.#rows = new Map();
  }

  #keep(ids: readonly number[], loaded: ReadonlyMap<number, Row>): void {
    if (this.#rows.size + ids.length > MOST_ROWS) this.clear();
    for (const id of ids) this.#rows.set(id, loaded.get(id));
  }
}

const MOST_ROWS = 50_000;
