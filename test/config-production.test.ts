import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

const secret = 'q8Zr0mVx3TnLp5KcYw7Jd2HsBf9GaEu4Ri1Ot6Ml';
const safe = { CADENZA_PRODUCTION: 'on', CADENZA_JWT_SECRET: secret };
const problemsOf = (env: NodeJS.ProcessEnv): string => {
  try {
    loadConfig(env);
    return '';
  } catch (error) {
    return String(error);
  }
};

describe('[PROD1] with CADENZA_PRODUCTION=on', () => {
  it('every reason not to start is told at once, with what to do, and no secret', () => {
    const weak = 'development secret development secret';
    const told = problemsOf({
      ...{ CADENZA_PRODUCTION: 'on', CADENZA_JWT_SECRET: weak, CADENZA_DEMO: 'auto' },
      ...{ DATABASE_URL: 'postgres://u:hunter2@db.example.com/x?sslmode=disable' },
      ...{ CADENZA_CORS_ORIGINS: 'https://app.example.com,http://app.example.com', CADENZA_VISITOR_SECRET: weak },
    });
    for (const reason of [
      /CADENZA_JWT_SECRET can be guessed. Set it to/,
      /CADENZA_VISITOR_SECRET can be guessed/,
      /CADENZA_VISITOR_SECRET is CADENZA_JWT_SECRET/,
      /stored as it is. Set CADENZA_MASTER_KEY_FILE/,
      /sslmode=disable/,
      /CADENZA_CORS_ORIGINS has http:\/\/app\.example\.com/,
      /CADENZA_DEMO=auto/,
    ])
      expect(told).toMatch(reason);
    expect(told).not.toMatch(/hunter2|development secret|has https/);
  });

  it.each([
    ['no authentication', { CADENZA_PRODUCTION: 'on' }, /no authentication/],
    [
      'keys that come over http',
      { CADENZA_PRODUCTION: 'on', CADENZA_JWKS_URL: 'http://id.example.com/jwks', CADENZA_JWT_AUDIENCE: 'a' },
      /not https/,
    ],
    [
      'tokens for any app',
      { CADENZA_PRODUCTION: 'on', CADENZA_JWKS_URL: 'https://id.example.com/jwks' },
      /CADENZA_JWT_AUDIENCE/,
    ],
    [
      'a NATS that is open to all',
      { ...safe, CADENZA_LOG: 'nats', CADENZA_NATS_URL: 'nats://nats.example.com:4222' },
      /CADENZA_NATS_URL has no credentials/,
    ],
  ])('%s prevents the start', (_, env, reason) => {
    expect(problemsOf(env)).toMatch(reason);
  });

  it('a safe configuration starts, without what only helps those who explore', () => {
    expect(loadConfig(safe)).toMatchObject({
      ...{ production: true, demo: false, graphiql: false, takesGet: false, introspection: false },
    });
    expect(loadConfig({ ...safe, CADENZA_GET: 'on', CADENZA_GRAPHIQL: 'on' })).toMatchObject({
      ...{ graphiql: true, takesGet: true, introspection: false },
    });
  });
});
