import { either, type Expression, NEVER, repeated, sequence, text } from '../automaton/expression.ts';
import { digitsBetween } from './digits.ts';
import { number } from './json-text.ts';
import { isSchemaObject, refuse, type SchemaNode } from './schema-node.ts';

/** Whole numbers of up to 15 digits are exact in every reader of JSON. With a fraction, all digits together are 15. */
const LARGEST = 10n ** 15n - 1n;
const LARGEST_WITH_FRACTION = 10n ** 9n - 1n;
const MOST_DECIMALS = 6;
/** Above 0, so that it leaves a bound that is itself excluded. */
const FRACTION = sequence(text('.'), repeated({ type: 'byte', ranges: [[0x30, 0x39]] }, 0, MOST_DECIMALS - 1), {
  type: 'byte',
  ranges: [[0x31, 0x39]],
});

/** A number as `units` of a power of ten. */
interface Bound {
  units: bigint;
  isExclusive: boolean;
}
interface Bounds {
  low: Bound | null;
  high: Bound | null;
  decimals: number;
}

/** A number, between bounds if there are some. */
export function writtenNumber(node: SchemaNode, isWhole: boolean): Expression {
  const { multipleOf } = isSchemaObject(node.schema) ? node.schema : {};
  if (multipleOf !== undefined && multipleOf !== 1)
    return refuse(node, 'has a "multipleOf" other than 1, which is not supported');
  const bounds = boundsOf(node);
  if (isWhole || multipleOf === 1) return wholeBetween(bounds);
  if (!bounds.low && !bounds.high) return number;
  const fractions = withFraction(bounds);
  return either(wholeBetween(bounds), ...(fractions.length > 0 ? fractions : [withDecimals(bounds)]));
}

function boundsOf(node: SchemaNode): Bounds {
  const names = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum'] as const;
  const values = names.map((name) => decimalOf(node, name));
  const decimals = Math.max(0, ...values.map((value) => value?.decimals ?? 0));
  const [low, above, high, below] = values.map((value) =>
    value ? value.units * 10n ** BigInt(decimals - value.decimals) : null,
  );
  return {
    low: tighter(low ?? null, above ?? null, (a, b) => a > b),
    high: tighter(high ?? null, below ?? null, (a, b) => a < b),
    decimals,
  };
}

function tighter(
  inclusive: bigint | null,
  exclusive: bigint | null,
  isTighter: (a: bigint, b: bigint) => boolean,
): Bound | null {
  if (exclusive !== null && (inclusive === null || !isTighter(inclusive, exclusive)))
    return { units: exclusive, isExclusive: true };
  return inclusive === null ? null : { units: inclusive, isExclusive: false };
}

function decimalOf(node: SchemaNode, keyword: string): { units: bigint; decimals: number } | null {
  const value = isSchemaObject(node.schema) ? node.schema[keyword] : undefined;
  if (value === undefined) return null;
  if (typeof value !== 'number') return refuse(node, `has ${JSON.stringify(keyword)} that is no number`);
  const [, whole = '', fraction = ''] = /^(-?\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  if (whole === '' || fraction.length > MOST_DECIMALS)
    return refuse(
      node,
      `has ${JSON.stringify(keyword)} with more than ${MOST_DECIMALS} decimals or 21 digits, which is not supported`,
    );
  return { units: BigInt(whole + fraction), decimals: fraction.length };
}

/** The whole numbers of this unit from the lower bound, and to the upper one. */
function unitsBetween({ low, high, decimals }: Bounds, finer: number, largest: bigint): [bigint, bigint] {
  const unit = 10n ** BigInt(decimals);
  const scale = 10n ** BigInt(finer);
  const least =
    low && ceiling(low.units * scale, unit) + (low.isExclusive && (low.units * scale) % unit === 0n ? 1n : 0n);
  const most =
    high && floor(high.units * scale, unit) - (high.isExclusive && (high.units * scale) % unit === 0n ? 1n : 0n);
  return [max(least ?? -largest, -largest), min(most ?? largest, largest)];
}

function wholeBetween(bounds: Bounds): Expression {
  return signed(...unitsBetween(bounds, 0, LARGEST), (from, to) => digitsBetween(from, to));
}

/** Whole parts to which any fraction may be added without leaving the bounds. */
function withFraction(bounds: Bounds): Expression[] {
  const { low, high, decimals } = bounds;
  const closed = (bound: Bound | null) => bound && { ...bound, isExclusive: false };
  const [from, to] = unitsBetween({ low: closed(low), high: closed(high), decimals }, 0, LARGEST_WITH_FRACTION);
  // "-0.5" lies between −1 and 0.
  const above: [bigint, bigint] = [max(from, 0n), to - 1n];
  const below: [bigint, bigint] = [max(-to, 0n), -from - 1n];
  return [
    ...(above[0] <= above[1] ? [sequence(digitsBetween(...above), FRACTION)] : []),
    ...(below[0] <= below[1] ? [sequence(text('-'), digitsBetween(...below), FRACTION)] : []),
  ];
}

/** Numbers with two decimals more than the bounds have, where these are too close for whole numbers between them. */
function withDecimals(bounds: Bounds): Expression {
  const decimals = bounds.decimals + 2;
  return signed(...unitsBetween(bounds, decimals, LARGEST), (from, to) => digitsBetween(from, to, decimals));
}

function signed(from: bigint, to: bigint, digits: (from: bigint, to: bigint) => Expression): Expression {
  if (from > to) return NEVER;
  return either(
    ...(to >= 0n ? [digits(max(from, 0n), to)] : []),
    ...(from < 0n ? [sequence(text('-'), digits(max(-to, 1n), -from))] : []),
  );
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const floor = (a: bigint, b: bigint): bigint => a / b - (a % b !== 0n && a < 0n ? 1n : 0n);
const ceiling = (a: bigint, b: bigint): bigint => -floor(-a, b);
