import { expect } from 'vitest';
import { ask, type TestListening } from '../listening.ts';
import { bearer } from './auth.ts';

const CREATE = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { __typename
  ... on CreateApiKeySuccess { secret apiKey { id prefix } } ... on Error { message } } }`;

export interface CreatedKey {
  id: string;
  prefix: string;
  secret: string;
  headers: { authorization: string };
}

/** Who may do everything on a server with authentication. */
export const admin = () => bearer({ sub: 'root', roles: ['ADMIN'] });

/** A key that an ADMIN creates. */
export async function createKey(
  { graphqlUrl }: Pick<TestListening, 'graphqlUrl'>,
  input: object = {},
): Promise<CreatedKey> {
  const given = { input: { name: 'a key', owner: 'ann', ...input } };
  const { data, errors } = await ask(graphqlUrl, CREATE, given, await admin());
  expect(errors).toBeUndefined();
  const { secret, apiKey } = (data as { createApiKey: { secret: string; apiKey: { id: string; prefix: string } } })
    .createApiKey;
  return { ...apiKey, secret, headers: { authorization: `Bearer ${secret}` } };
}
