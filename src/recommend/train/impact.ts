/** What taking away a reason does to the tracks of a list that cite it. */
export interface Impact {
  /** Tracks that cite one. */
  cited: number;
  /** Of these, those that are no longer in the list. */
  left: number;
  /** Places that they fall, all together; a track that may not be in any list any more falls out, and by no number. */
  dropped: number;
}

export const noImpact: Impact = { cited: 0, left: 0, dropped: 0 };

export const addImpacts = (a: Impact, b: Impact): Impact => ({
  cited: a.cited + b.cited,
  left: a.left + b.left,
  dropped: a.dropped + b.dropped,
});
