/** The scores of all tracks and, where it is not 0, why one may not be in the list (bits of `exclusions.ts`). */
export interface Board {
  scores: Float64Array;
  excluded: Uint8Array;
}

/**
 * One board for many rankings, one after the other: to fill it anew costs less than to make room for one, to keep it for a
 * list that is asked for again and to have it collected afterwards. Whose it is, is known by an object and not by the
 * ranking, which would hold on to a catalogue that has been replaced.
 */
export class SharedBoard {
  #board: Board = { scores: new Float64Array(), excluded: new Uint8Array() };
  #owner: object | null = null;

  /** The owner's board, to be read before anybody else asks for theirs. */
  of(owner: object, tracks: number, fill: (board: Board) => void): Board {
    if (this.#owner === owner) return this.#board;
    if (this.#board.scores.length !== tracks) {
      this.#board = { scores: new Float64Array(tracks), excluded: new Uint8Array(tracks) };
    }
    // What throws half way belongs to nobody.
    this.#owner = null;
    fill(this.#board);
    this.#owner = owner;
    return this.#board;
  }
}
