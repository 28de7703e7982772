const FIRST_OF_PAIR = /[\ud800-\udbff](?=[\udc00-\udfff])/g;

/** Translates positions in UTF-16 into positions in characters (code points), which the contract has. */
export function characterPositions(text: string): (index: number) => number {
  const pairs = Array.from(text.matchAll(FIRST_OF_PAIR), ({ index }) => index);
  if (pairs.length === 0) return (index) => index;
  return (index) => index - countBelow(pairs, index);
}

/** @param sorted in ascending order */
function countBelow(sorted: readonly number[], limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? limit) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
