import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { startListening } from '../../support/listening.ts';

/** The GraphQL over HTTP specification's own audits: what of them fails. */
async function failuresOf(url: string, headers: Record<string, string>) {
  const fetchFn = (input: string, init: RequestInit = {}) =>
    fetch(input, { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } });
  const audits = serverAudits({ url, fetchFn });
  const results = await Promise.all(audits.map((audit) => audit.fn()));
  const failed = results.filter(({ status }) => status !== 'ok');
  return { audits: audits.length, failed: failed.map(({ name, status, ...rest }) => ({ name, status, ...rest })) };
}

describe('[HTTP8] graphql-http’s audits of a server', () => {
  it('pass without authentication', async () => {
    const { graphqlUrl } = await startListening();
    const { audits, failed } = await failuresOf(graphqlUrl, {});
    expect(failed).toEqual([]);
    expect(audits).toBeGreaterThanOrEqual(61);
  });

  it('pass with authentication', async () => {
    const { graphqlUrl } = await startListening({ config: withAuth });
    const { audits, failed } = await failuresOf(graphqlUrl, await bearer({ sub: 'ann' }));
    expect(failed).toEqual([]);
    expect(audits).toBeGreaterThanOrEqual(61);
  });
});
