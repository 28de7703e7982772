import { describe, expect, it } from 'vitest';
import { secretAuth } from '../support/access/tokens.ts';
import { commandOf } from '../support/command.ts';
import { ask, startListening } from '../support/listening.ts';

const run = commandOf('access/token');
const SECRET = { CADENZA_JWT_SECRET: secretAuth.secret };

describe('npm run token', () => {
  it('[AUTH8] signs a token that the server takes, as that listener with those roles', async () => {
    const issued = { issuer: 'https://id.example.com/', audience: 'music' };
    const env = { ...SECRET, CADENZA_JWT_ISSUER: issued.issuer, CADENZA_JWT_AUDIENCE: issued.audience };
    const { graphqlUrl } = await startListening({ config: { auth: { ...secretAuth, ...issued } } });
    const { code, output } = await run(env, '--sub', 'ann', '--roles', 'LISTENER,ANALYST', '--name', 'Ann');
    expect(code).toBe(0);
    const authorization = `Bearer ${output.trim()}`;
    const { data } = await ask(graphqlUrl, '{ viewer { externalId displayName } }', {}, { authorization });
    expect(data).toEqual({ viewer: { externalId: 'ann', displayName: 'Ann' } });
    const analytics = await ask(graphqlUrl, '{ analytics { unattributed } }', {}, { authorization });
    expect(analytics.errors).toBeUndefined();
    const erase = 'mutation { eraseListener(input: { externalId: "bob" }) { __typename } }';
    const refused = await ask(graphqlUrl, erase, {}, { authorization });
    expect(refused.data).toEqual({ eraseListener: { __typename: 'ForbiddenError' } });
  });

  it.each([
    ['no listener', SECRET, [], 2, /--sub is missing/],
    ['an unknown role', SECRET, ['--sub', 'ann', '--roles', 'KING'], 2, /KING is no role/],
    ['no time', SECRET, ['--sub', 'ann', '--hours', '0'], 2, /--hours/],
    ['too long a time', { ...SECRET, CADENZA_JWT_MAX_HOURS: '2' }, ['--sub', 'ann', '--hours', '3'], 1, /MAX_HOURS/],
    ['a listener that cannot be kept', SECRET, ['--sub', ' ann'], 1, /sub/],
    ['no secret', {}, ['--sub', 'ann'], 1, /CADENZA_JWT_SECRET is not set/],
    [
      'an identity provider',
      { CADENZA_JWKS_URL: 'https://id.example.com/jwks' },
      ['--sub', 'ann'],
      1,
      /CADENZA_JWKS_URL/,
    ],
  ] as const)('[AUTH8] %s is refused, and nothing is printed', async (_, env, args, status, reason) => {
    const { code, output, errors } = await run(env, ...args);
    expect([code, output]).toEqual([status, '']);
    expect(errors).toMatch(reason);
  });
});
