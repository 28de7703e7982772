import { describe, expect, it } from 'vitest';
import { amountText, owedFor, readPrices } from '../../src/access/access.ts';

const total = {
  ...{ listenerId: 1, keyId: 1, owner: 'ann', keyPrefix: 'k', keyName: 'shop' },
  ...{ requests: 2_500, drafts: 3, tokensIn: 1_000_001, tokensOut: 250_000, engineMs: 5_400_000, storedBytes: 3e9 },
};

describe('[USE3] a price table', () => {
  it('prices each kind of use, exactly', () => {
    const prices = readPrices(
      JSON.stringify({
        ...{ currency: 'EUR', millionTokensIn: '0.50', millionTokensOut: 2, thousandRequests: '0.1' },
        ...{ draft: '0.001', engineHour: '1', gigabyteMonth: '0.20' },
      }),
    );
    // 0.5000005 + 0.50 + 0.25 + 0.003 + 1.50 + 0.60
    expect(owedFor(total, prices)).toBe(3_353_000_500n);
    expect(amountText(owedFor(total, prices), 'EUR')).toBe('3.35');
    expect(owedFor(total, readPrices('{ "currency": "EUR" }'))).toBe(0n);
  });

  it.each([
    [5_000_000n, 'EUR', '0.01'],
    [4_999_999n, 'EUR', '0.00'],
    [1_500_000_000n, 'JPY', '2'],
    [12_345_000_000n, 'EUR', '12.35'],
  ])('rounds %s parts of a %s to %s', (parts, currency, text) => {
    expect(amountText(parts, currency)).toBe(text);
  });

  it.each([
    ['no JSON', '{', /not JSON/],
    ['no currency', '{}', /currency/],
    ['an unknown price', '{ "currency": "EUR", "token": 1 }', /token/],
    ['a negative price', '{ "currency": "EUR", "draft": -1 }', /draft/],
    ['too fine a price', '{ "currency": "EUR", "draft": "0.0000000001" }', /draft/],
  ])('with %s is refused by name', (_, text, reason) => {
    expect(() => readPrices(text)).toThrow(reason);
  });
});
