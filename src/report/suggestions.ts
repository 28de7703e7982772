import type { FindingKind, Suggestion, TextSpan } from './contract.ts';
import type { Candidate } from './findings/candidate.ts';

/** Whose suggestion is kept where two overlap: an error goes before a matter of style. */
const PREFERENCE: readonly FindingKind[] = ['REPEATED_WORD', 'TENSE_SLIP', 'WORDY', 'FILLER', 'LONG_SENTENCE'];

/** A text with replacements applied. */
export function applied(text: string, suggestions: readonly Suggestion[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, text: by } of suggestions.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(at, start) + by;
    at = end;
  }
  return result + text.slice(at);
}

/** Candidates of which no two suggestions overlap or touch. One that does is kept without its suggestion. */
export function withoutOverlaps(candidates: readonly Candidate[]): Candidate[] {
  const order = candidates
    .filter(({ suggestion }) => suggestion !== null)
    .toSorted((a, b) => PREFERENCE.indexOf(a.kind) - PREFERENCE.indexOf(b.kind) || a.start - b.start);
  const kept = new Set<Candidate>();
  const taken = new Spans();
  for (const candidate of order) {
    if (!candidate.suggestion || taken.meets(candidate.suggestion)) continue;
    taken.add(candidate.suggestion);
    kept.add(candidate);
  }
  return candidates.map((candidate) =>
    kept.has(candidate) ? candidate : { ...candidate, suggestion: null, again: null },
  );
}

/** Ranges by stretches of the text, so that ten thousand of them are compared in little time. */
class Spans {
  readonly #byStretch = new Map<number, TextSpan[]>();

  meets({ start, end }: TextSpan): boolean {
    return this.#stretches({ start, end }).some((stretch) =>
      this.#byStretch.get(stretch)?.some((other) => start <= other.end && end >= other.start),
    );
  }

  add(range: TextSpan): void {
    for (const stretch of this.#stretches(range)) {
      const known = this.#byStretch.get(stretch);
      if (known) known.push(range);
      else this.#byStretch.set(stretch, [range]);
    }
  }

  #stretches({ start, end }: TextSpan): number[] {
    const [from, to] = [Math.floor((start - 1) / STRETCH), Math.floor((end + 1) / STRETCH)];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  }
}

const STRETCH = 256;

/** The range that a position is in. @param sorted in the order of the text */
export function rangeAt<Range extends TextSpan>(sorted: readonly Range[], position: number): Range | null {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle]?.start ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  return sorted[low] ?? null;
}
