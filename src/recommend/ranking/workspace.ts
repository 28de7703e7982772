/** The scores of all tracks and, where it is not 0, why one may not be in the list (bits of `exclusions.ts`). */
export interface Board {
  scores: Float64Array;
  excluded: Uint8Array;
}

export const boardOf = (tracks: number): Board => ({
  scores: new Float64Array(tracks),
  excluded: new Uint8Array(tracks),
});

/**
 * Memory that rankings use one after the other: to fill a board anew costs less than to make room for one and to have it
 * collected afterwards. The recommender has one workspace.
 */
export class Workspace {
  #free: Board = boardOf(0);
  #zeros = new Float64Array();

  /** Lends a board, with whatever is on it, until `use` returns. */
  lend<Result>(tracks: number, use: (board: Board) => Result): Result {
    const board = this.#free.scores.length === tracks ? this.#free : boardOf(tracks);
    // Whoever borrows one meanwhile is given another.
    this.#free = boardOf(0);
    try {
      return use(board);
    } finally {
      this.#free = board;
    }
  }

  /**
   * Zeros, at least so many. One vector at a time is spread out there, so that its product with another costs a look-up an
   * entry, and wiped away again: a list has to do with few of the features, and making this anew would cost more.
   */
  zeros(length: number): Float64Array {
    if (this.#zeros.length < length) this.#zeros = new Float64Array(length);
    return this.#zeros;
  }
}
