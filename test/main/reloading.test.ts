import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { startServer } from '../support/server.ts';

const [OLD, NEW] = ['an old secret of thirty-two bytes or more', 'a new secret of thirty-two bytes or more'];

async function ask(url: string, secret: string): Promise<number> {
  const signed = new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${await signed.sign(new TextEncoder().encode(secret))}`,
  };
  return (await fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })).status;
}

test('[CONF5] SIGHUP takes over secrets, rates and log level from the file, names what needs a restart, and refuses what is wrong', async () => {
  const file = join(await temporaryFolder(), 'cadenza.env');
  const state = (...lines: string[]) => writeFile(file, lines.join('\n'));
  await state(`CADENZA_JWT_SECRET=${OLD}`, 'CADENZA_RATE_REQUESTS=1000', 'CADENZA_LOG_LEVEL=info');
  const server = await startServer({ CADENZA_ENV_FILE: file, CADENZA_LOG_LEVEL: 'error' });
  expect([await ask(server.url, OLD), await ask(server.url, NEW)]).toEqual([200, 401]);

  await state(`CADENZA_JWT_SECRET=${NEW}`, 'CADENZA_RATE_REQUESTS=2', 'CADENZA_LOG_LEVEL=debug', 'CADENZA_SLOTS=3');
  server.process.kill('SIGHUP');
  const told = await server.said('Configuration reloaded');
  expect(told).toMatchObject({ needsRestart: ['CADENZA_SLOTS'] });
  expect(new Set(told.changed as string[])).toEqual(
    new Set(['CADENZA_JWT_SECRET', 'CADENZA_RATE_REQUESTS', 'CADENZA_LOG_LEVEL']),
  );
  expect(JSON.stringify(told)).not.toContain('secret of');
  expect(await ask(server.url, OLD)).toBe(401);
  expect([await ask(server.url, NEW), await ask(server.url, NEW), await ask(server.url, NEW)]).toEqual([200, 200, 429]);

  await state('CADENZA_JWT_SECRET=short');
  server.process.kill('SIGHUP');
  expect((await server.said(/^The configuration stays as it was/)).msg).toContain('is shorter than 32 bytes');
  await state('PORT=1');
  server.process.kill('SIGHUP');
  await server.said(/requests need a token cannot change/);
  expect(await ask(server.url, NEW)).toBe(429);
  await fetch(`${server.url}/health/ready`);
  // Requests for health are logged at the level debug.
  expect(await server.said('Request')).toBeDefined();
  const { code, output } = await server.stop();
  expect(code).toBe(0);
  expect(output).toContain('"path":"/health/ready"');
});
