import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { stacksOnceAMinute } from '../../src/lib/log.ts';
import { testDatabase } from '../support/postgres/database.ts';

test('[ERR4] a failed query is logged with the database’s message and without its values', async () => {
  const { url } = await testDatabase();
  // A process of its own: the log goes to standard output, synchronously.
  const program = `
    import { sql } from 'drizzle-orm';
    import { connect } from './src/db/client.ts';
    import { createLogger } from './src/lib/log.ts';
    const log = createLogger({ logLevel: 'info', logFormat: 'json' });
    const database = connect(process.argv[1]);
    await database.db.execute(sql\`select * from nowhere where words = \${'a secret poem'}\`).catch((err) => log.error({ err }, 'failed'));
    await database[Symbol.asyncDispose]();`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', program, url],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ msg: 'failed', err: { code: '42P01' } });
  expect(stdout).toContain('nowhere');
  expect(stdout).not.toContain('a secret poem');
});

test('[LOGS2] a failure that repeats is described with its stack once a minute, and another one with its own', () => {
  let now = 1_000;
  const describe = stacksOnceAMinute({ monotonic: () => now });
  const outage = (message = 'connect ECONNREFUSED') => Object.assign(new Error(message), { code: 'ECONNREFUSED' });
  const hasStack = (error: Error) => (describe(error) as { stack?: string }).stack !== undefined;
  expect([hasStack(outage()), hasStack(outage()), hasStack(outage('another'))]).toEqual([true, false, true]);
  expect(describe(outage())).toMatchObject({ message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' });
  now = 60_000;
  expect(hasStack(outage())).toBe(false);
  now = 62_000;
  expect([hasStack(outage()), hasStack(outage())]).toEqual([true, false]);
  // A defect may show itself at two places with the same words.
  const [here, there] = [new TypeError('x is undefined'), new TypeError('x is undefined')];
  there.stack = String(there.stack).replace('\n    at ', '\n    at elsewhere (other.ts:1:1)\n    at ');
  expect([hasStack(here), hasStack(there), hasStack(here)]).toEqual([true, true, false]);
});
