/**
 * The candidate that a mistyped word most likely meant, or null if none is near: at most a third of its letters may be
 * wrong. The distance is Damerau–Levenshtein in its restricted form (insertions, deletions, substitutions, adjacent
 * swaps).
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance <= candidate.length / 3 && distance < (best?.distance ?? Infinity)) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

function editDistance(a: string, b: string): number {
  let twoBack: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const options = [at(previous, j) + 1, at(row, j - 1) + 1, substituted];
      row.push(Math.min(...options, swapped ? at(twoBack, j - 2) + 1 : Infinity));
    }
    twoBack = previous;
    previous = row;
  }
  return at(previous, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;
