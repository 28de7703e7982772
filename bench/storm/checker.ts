/** What is wrong with what a reader saw, in tokens. All zero: it saw the draft. */
export interface Findings {
  lost: number;
  doubled: number;
  reordered: number;
}

/**
 * Holds what one reader saw against the draft as it ended. Tokens are told apart by their keys (text and log-probability);
 * where a key is there more than once, the first that may come next is taken.
 *
 * @param draft keys of all tokens, in order
 * @param seen keys in the order in which the reader got them, over all of its connections
 */
export function check(draft: readonly string[], seen: readonly string[]): Findings {
  const positions = new Map<string, number[]>();
  draft.forEach((key, position) => positions.set(key, [...(positions.get(key) ?? []), position]));
  const got = new Set<number>();
  const findings: Findings = { lost: 0, doubled: 0, reordered: 0 };
  let last = -1;
  for (const key of seen) {
    const candidates = positions.get(key) ?? [];
    const position = candidates.find((one) => one > last && !got.has(one)) ?? candidates.find((one) => !got.has(one));
    // A token that is not in the draft at all cannot have come from where its reader was.
    if (position === undefined) findings[candidates.length > 0 ? 'doubled' : 'reordered']++;
    else {
      if (position < last) findings.reordered++;
      got.add(position);
      last = Math.max(last, position);
    }
  }
  findings.lost = draft.length - got.size;
  return findings;
}

export function sum(all: readonly Findings[]): Findings {
  return all.reduce(
    (total, one) => ({
      lost: total.lost + one.lost,
      doubled: total.doubled + one.doubled,
      reordered: total.reordered + one.reordered,
    }),
    { lost: 0, doubled: 0, reordered: 0 },
  );
}
