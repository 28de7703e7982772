import type { RowFragment, SumFragment } from '../../generated/graphql.ts';

export type Reason = SumFragment['reasons'][number];
export type PartKind = 'baseline' | 'history' | 'preference' | 'popularity' | 'rest';

/** A part of a score, and where its bar begins and ends. A part that lowers the score goes to the left. */
export interface Part {
  kind: PartKind;
  value: number;
  from: number;
  to: number;
  reason: Reason | null;
}

const KINDS: Record<string, PartKind> = {
  HistoryReason: 'history',
  PreferenceReason: 'preference',
  PopularityReason: 'popularity',
};
/** Less than this cannot be seen, and comes from rounding. */
const NOTHING = 1e-9;

/** The parts of a score, each beginning where the one before it ends: the last one ends at the score ([STUDIO4]). */
export function partsOf({ baseline, reasons, remainder }: SumFragment): Part[] {
  const named = reasons.map((reason) => ({
    kind: KINDS[reason.__typename] ?? 'rest',
    value: reason.contribution,
    reason,
  }));
  const rest = Math.abs(remainder) > NOTHING ? [{ kind: 'rest' as const, value: remainder, reason: null }] : [];
  let to = 0;
  return [{ kind: 'baseline' as const, value: baseline, reason: null }, ...named, ...rest].map((part) => {
    const from = to;
    to += part.value;
    return { ...part, from, to };
  });
}

export const sumOf = (parts: readonly Part[]): number => parts.at(-1)?.to ?? 0;

/** What a reason is about: rows that share it are changed together when it is left out. */
export function causeOf(reason: Reason): string {
  switch (reason.__typename) {
    case 'HistoryReason':
      return `history:${reason.track.id}`;
    case 'PreferenceReason':
      return `preference:${reason.preference}`;
    case 'PopularityReason':
      return 'popularity';
  }
}

/** The causes of a list's scores, those of most rows first. */
export function causesOf(rows: readonly RowFragment[]): { cause: string; reason: Reason; count: number }[] {
  const causes = new Map<string, { cause: string; reason: Reason; count: number }>();
  for (const reason of rows.flatMap(({ explanation }) => explanation.reasons)) {
    const cause = causeOf(reason);
    const known = causes.get(cause);
    if (known) known.count++;
    else causes.set(cause, { cause, reason, count: 1 });
  }
  return [...causes.values()].sort((a, b) => b.count - a.count);
}

/** The reason of a row that has this cause. */
export const reasonFrom = (row: RowFragment, cause: string | null): Reason | undefined =>
  cause === null ? undefined : row.explanation.reasons.find((reason) => causeOf(reason) === cause);

/** A row's score without a cause, as the server has recomputed it. */
const scoreWithout = (row: RowFragment, cause: string): number => reasonFrom(row, cause)?.without.score ?? row.score;

/** The rows in the order of their scores without a cause. */
export const withoutCause = (rows: readonly RowFragment[], cause: string): RowFragment[] =>
  [...rows].sort((a, b) => scoreWithout(b, cause) - scoreWithout(a, cause));
