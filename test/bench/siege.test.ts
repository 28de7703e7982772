import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { testDatabase } from '../support/postgres/database.ts';

const REQUESTS = 300;

it.each(['open', 'jwt'])(
  '[EDGE8] a short siege of a server (%s) leaves it alive, and hears nothing that should not be said',
  async (only) => {
    const { url } = await testDatabase({ connections: 1 });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'bench/siege.ts', '--seed', '7', '--requests', `${REQUESTS}`, '--only', only],
      { env: { ...process.env, CADENZA_DEMO: 'off', DATABASE_URL: url } },
    );
    const outcome = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { requests: number };
    expect(outcome).toMatchObject({ died: 0, internal_errors: 0, leaks: 0 });
    expect(outcome.requests).toBeGreaterThanOrEqual(REQUESTS);
  },
  300_000,
);
