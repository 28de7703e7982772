/** The scores of all tracks, and the exclusions of each (bits of `exclusions.ts`; 0 if it may be in the list). */
export interface Board {
  scores: Float64Array;
  excluded: Uint8Array;
}

export const boardOf = (tracks: number): Board => ({
  scores: new Float64Array(tracks),
  excluded: new Uint8Array(tracks),
});

/**
 * Memory that rankings use in turn. Filling a board again costs less than allocating one and collecting it afterwards.
 * The recommender has one workspace.
 */
export class Workspace {
  #free: Board = boardOf(0);
  #zeros = new Float64Array();

  /** Lends a board, with arbitrary contents, until `use` returns. */
  lend<Result>(tracks: number, use: (board: Board) => Result): Result {
    const board = this.#free.scores.length === tracks ? this.#free : boardOf(tracks);
    // A nested call gets another board.
    this.#free = boardOf(0);
    try {
      return use(board);
    } finally {
      this.#free = board;
    }
  }

  /**
   * At least `length` zeros. One sparse vector at a time is written into them, so that its product with another costs
   * one lookup per entry, and then cleared. A list uses few of the features, and allocating this each time would cost
   * more.
   */
  zeros(length: number): Float64Array {
    if (this.#zeros.length < length) this.#zeros = new Float64Array(length);
    return this.#zeros;
  }
}
