/** The state vector of a document that has nothing, as Yjs encodes it. */
const NOTHING = 0;

/** What somebody has; null for nothing, whether they say so or send no state vector. */
export const ownedBy = (stateVector: Uint8Array | null): Uint8Array | null =>
  stateVector?.length === 1 && stateVector[0] === NOTHING ? null : stateVector;
