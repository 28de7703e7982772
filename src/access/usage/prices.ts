import { z } from 'zod';
import type { UsageTotal } from '../../db/access/usage-queries.ts';
import { InvalidInputError } from '../../lib/errors.ts';

/** Amounts are whole numbers of these parts of the currency, so that sums are exact. */
const PARTS_DIGITS = 9;
const PARTS = 10n ** BigInt(PARTS_DIGITS);

/** A number with at most nine decimals, in quotes or not. */
const price = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, { error: 'is not an amount like 0.25' }))
  .transform((text) => {
    const [whole = '0', fraction = ''] = text.split('.');
    return BigInt(whole) * PARTS + BigInt(fraction.padEnd(PARTS_DIGITS, '0'));
  });
const free = price.default(0n);

const table = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, { error: 'is not the code of a currency, like EUR' }),
  millionTokensIn: free,
  millionTokensOut: free,
  thousandRequests: free,
  draft: free,
  engineHour: free,
  gigabyteMonth: free,
});

export type PriceTable = z.output<typeof table>;

/** @param text JSON @throws InvalidInputError that names what is wrong */
export function readPrices(text: string): PriceTable {
  const parsed = table.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(' '));
  throw new InvalidInputError(`The price table is invalid: ${problems.join('; ')}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidInputError('The price table is not JSON');
  }
}

/** What is owed, in parts of the currency. */
export function owedFor(total: UsageTotal, prices: PriceTable): bigint {
  const of = (amount: number, each: bigint, per: bigint): bigint => (BigInt(Math.round(amount)) * each) / per;
  return (
    of(total.tokensIn, prices.millionTokensIn, 1_000_000n) +
    of(total.tokensOut, prices.millionTokensOut, 1_000_000n) +
    of(total.requests, prices.thousandRequests, 1_000n) +
    of(total.drafts, prices.draft, 1n) +
    of(total.engineMs, prices.engineHour, 3_600_000n) +
    of(total.storedBytes, prices.gigabyteMonth, 1_000_000_000n)
  );
}

/** As bills have it: with the currency's decimals, half a unit rounded up. */
export function amountText(parts: bigint, currency: string): string {
  const digits =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const unit = 10n ** BigInt(PARTS_DIGITS - digits);
  const units = (parts + unit / 2n) / unit;
  const text = String(units).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
