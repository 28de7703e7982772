import { groupBy } from '../../lib/collections.ts';

/** Inclusive. */
export type Span = readonly [from: number, to: number];

/** A language over bytes. The same object in several places is compiled once for each of what may follow it. */
export type Expression =
  /** One byte of these ranges. */
  | { type: 'byte'; ranges: readonly Span[] }
  | { type: 'text'; bytes: Uint8Array }
  | { type: 'sequence'; parts: readonly Expression[] }
  | { type: 'either'; options: readonly Expression[] }
  | { type: 'repeat'; body: Expression; least: number; most: number | null }
  | { type: 'rule'; name: string };

/** Rules by their names, which may refer to each other. */
export interface Grammar {
  rules: ReadonlyMap<string, Expression>;
  start: Expression;
}

export const EMPTY: Expression = { type: 'sequence', parts: [] };
export const NEVER: Expression = { type: 'either', options: [] };

export const text = (value: string): Expression => ({ type: 'text', bytes: new TextEncoder().encode(value) });
export const sequence = (...parts: Expression[]): Expression => ({ type: 'sequence', parts });
export const either = (...options: Expression[]): Expression =>
  options.length === 1 ? (options[0] ?? NEVER) : { type: 'either', options };
export const repeated = (body: Expression, least: number, most: number | null): Expression => ({
  ...{ type: 'repeat', body, least, most },
});
export const optional = (body: Expression): Expression => either(body, EMPTY);
export const rule = (name: string): Expression => ({ type: 'rule', name });

/** One of these texts. What they begin with alike is there once, so that many are no more to follow than one. */
export function anyText(texts: readonly string[]): Expression {
  const all = [...new Set(texts)].map((one) => Buffer.from(one)).sort((a, b) => Buffer.compare(a, b));
  return all.length === 0 ? NEVER : branches(all, 0);
}

/** @param sorted texts that agree in the bytes before `from` */
function branches(sorted: readonly Buffer[], from: number): Expression {
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return NEVER;
  let to = from;
  while (to < first.length && first[to] === last[to]) to++;
  const shared: Expression = { type: 'text', bytes: first.subarray(from, to) };
  if (sorted.length === 1) return shared;
  const groups = groupBy(sorted, (one) => one[to] ?? -1);
  return sequence(shared, either(...[...groups].map(([byte, group]) => (byte === -1 ? EMPTY : branches(group, to)))));
}
