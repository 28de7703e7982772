import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';

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
