import { either, type Expression, NEVER, repeated, sequence, text } from '../automaton/expression.ts';

/**
 * The numbers from one to another, both 0 or more, without needless zeros before.
 * @param decimals how many of the digits are behind the point
 */
export function digitsBetween(from: bigint, to: bigint, decimals = 0): Expression {
  if (from > to) return NEVER;
  const options: Expression[] = [];
  for (
    let length = Math.max(String(from).length, decimals + 1);
    length <= Math.max(String(to).length, decimals + 1);
    length++
  ) {
    // As many digits as there are decimals, and one: the only ones that may begin with a zero.
    const least = length === decimals + 1 ? 0n : 10n ** BigInt(length - 1);
    const most = 10n ** BigInt(length) - 1n;
    const [low, high] = [from > least ? from : least, to < most ? to : most];
    const pad = (value: bigint) => String(value).padStart(length, '0');
    options.push(sameLength(pad(low), pad(high), decimals === 0 ? null : length - decimals));
  }
  return either(...options);
}

/** @param point the number of digits before the point that are left. Null without a point, or behind it */
function sameLength(from: string, to: string, point: number | null): Expression {
  if (point === 0) return sequence(text('.'), sameLength(from, to, null));
  if (from === '') return sequence();
  const next = point === null ? null : point - 1;
  const [first, last] = [from.charCodeAt(0), to.charCodeAt(0)];
  const [rest, others] = [from.slice(1), to.slice(1)];
  if (/^0*$/.test(from) && /^9*$/.test(to)) return anyDigits(from.length, point);
  if (first === last) return sequence(digit(first, last), sameLength(rest, others, next));
  const inner = first + 1 <= last - 1 ? [sequence(digit(first + 1, last - 1), anyDigits(rest.length, next))] : [];
  return either(
    sequence(digit(first, first), sameLength(rest, '9'.repeat(rest.length), next)),
    ...inner,
    sequence(digit(last, last), sameLength('0'.repeat(rest.length), others, next)),
  );
}

function anyDigits(count: number, point: number | null): Expression {
  const any = digit(0x30, 0x39);
  if (point === null) return repeated(any, count, count);
  return sequence(repeated(any, point, point), text('.'), repeated(any, count - point, count - point));
}

const digit = (from: number, to: number): Expression => ({ type: 'byte', ranges: [[from, to]] });
