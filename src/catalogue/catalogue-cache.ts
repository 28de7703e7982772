/**
 * Rows by id until something changes, because most requests read the same rows. When it is full it starts over, which
 * costs a few statements but no bookkeeping.
 */
export class RowCache<Row> {
  readonly #load: (ids: readonly number[]) => Promise<Map<number, Row>>;
  #rows = new Map<number, Row | undefined>();

  constructor(load: (ids: readonly number[]) => Promise<Map<number, Row>>) {
    this.#load = load;
  }

  /** The existing rows. One statement reads those that are not cached. */
  async get(ids: readonly number[]): Promise<Map<number, Row>> {
    const rows = this.#rows;
    const missing = ids.filter((id) => !rows.has(id));
    const loaded = missing.length > 0 ? await this.#load(missing) : null;
    const found = new Map<number, Row>();
    for (const id of ids) {
      const row = loaded?.get(id) ?? rows.get(id);
      if (row !== undefined) found.set(id, row);
    }
    // The cache was cleared during the read. The rows may be outdated: fine for this request, but not for later ones.
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
