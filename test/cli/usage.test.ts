import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandOf } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { createDatabase } from '../support/postgres/database.ts';

const run = commandOf('access/usage');

describe('[USE3] npm run usage', () => {
  it('tells what each key owes for a month, as JSON and CSV, with what was noted a moment ago', async () => {
    const database = await createDatabase({ connections: 1 });
    onTestFinished(() => database[Symbol.asyncDispose]());
    await database.sql`insert into listeners (external_id, display_name) values ('=ann', 'Ann')`;
    await database.sql`insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
      values ('k', '', 'web, shop', 1, '{LISTENER}', '{}', '{}')`;
    await database.sql`insert into usage_days (day, listener_id, key_id, tokens_out, stored_bytes)
      values ('2026-11-01', 1, 1, 1000000, 3000000000), ('2026-12-01', 1, 1, 7, 7)`;
    await database.sql`insert into usage_entries (day, listener_id, key_id, tokens_out, drafts)
      values ('2026-11-30', 1, 1, 500000, 2), ('2026-11-30', 1, null, 3, 0)`;
    const prices = join(await temporaryFolder(), 'prices.json');
    await writeFile(prices, '{ "currency": "EUR", "millionTokensOut": 2, "gigabyteMonth": "1" }');
    const env = { DATABASE_URL: database.url, CADENZA_PRICES: prices };
    const json = await run(env, '--month', '2026-11', '--json');
    expect(json.errors).toBe('');
    expect(JSON.parse(json.output)).toMatchObject({
      ...{ month: '2026-11', currency: 'EUR', owed: '3.10' },
      lines: [
        { owner: '=ann', key: null, tokensOut: 3, owed: '0.00' },
        { owner: '=ann', key: 'k', name: 'web, shop', drafts: 2, tokensOut: 1_500_000, storedBytes: 1e8, owed: '3.10' },
      ],
    });
    expect((await run(env, '--month', '2026-11', '--csv')).output.split('\r\n')[2]).toBe(
      `'=ann,k,"web, shop",0,2,0,1500000,0,100000000,3.10\n`,
    );
  });

  it.each([
    ['a month that is none', ['--month', '2026-13'], /2026-13 is not a month/],
    ['two forms', ['--csv', '--json'], /choose one/],
  ])('refuses %s with status 2', async (_, args, reason) => {
    const { code, errors } = await run({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, ...args);
    expect(code).toBe(2);
    expect(errors).toMatch(reason);
  });
});
