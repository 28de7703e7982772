/** The effect of removing a reason on the tracks of a list that cite it. */
export interface Impact {
  /** Number of tracks that cite a reason. */
  cited: number;
  /** Number of these that are no longer in the list. */
  left: number;
  /** Sum of the ranks that they fall. A track that is excluded entirely is not counted here. */
  dropped: number;
}

export const noImpact: Impact = { cited: 0, left: 0, dropped: 0 };

export const addImpacts = (a: Impact, b: Impact): Impact => ({
  cited: a.cited + b.cited,
  left: a.left + b.left,
  dropped: a.dropped + b.dropped,
});
