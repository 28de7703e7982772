import { beforeEach, describe, expect, it } from 'vitest';
import { refuseDemo } from '../../../src/ingest/ingest.ts';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { startListening, type TestListening } from '../../support/listening.ts';
import { testDatabase } from '../../support/postgres/database.ts';

interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/** What graphql-cop asks, which looks for these weaknesses of a GraphQL server (https://github.com/dolevf/graphql-cop). */
describe('[PROD2] what production switches off, and what graphql-cop looks for', () => {
  let server: TestListening;
  let headers: Record<string, string>;
  beforeEach(async () => {
    const off = { graphiql: false, takesGet: false, introspection: false };
    server = await startListening({ config: { ...withAuth, ...off } });
    headers = await bearer({ sub: 'ann' });
  });

  const send = async (body: unknown, more: Record<string, string> = {}) => {
    const response = await fetch(server.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers, ...more },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, answer: (await response.json()) as Answer };
  };
  const ask = async (query: string): Promise<Answer> => (await send({ query })).answer;

  it('introspection is refused, whole, in part and in circles; __typename is not', async () => {
    for (const query of [
      '{ __schema { types { name } } }',
      '{ __type(name: "Draft") { name } }',
      `{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }`,
    ]) {
      const { data, errors } = await ask(query);
      expect(data).toBeUndefined();
      expect(errors?.[0]?.message).toContain('introspection');
    }
    expect(await ask('{ __typename }')).toMatchObject({ data: { __typename: 'Query' } });
  });

  it('operations by GET are refused, queries and mutations alike, and say what to use', async () => {
    for (const query of ['{ __typename }', 'mutation { __typename }']) {
      const response = await fetch(`${server.graphqlUrl}?query=${encodeURIComponent(query)}`, { headers });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    }
  });

  it('there is no page of GraphiQL, Playground or the reference', async () => {
    for (const path of ['/graphql', '/graphiql', '/playground', '/console', '/altair', '/docs', '/']) {
      const response = await fetch(server.url + path, { headers: { ...headers, accept: 'text/html' } });
      expect(await response.text(), path).not.toMatch(
        /graphiql\.min\.css|GraphiQL|GraphQL Playground|graphql-playground|<html/,
      );
    }
  });

  it('forms, which pages of others can send, and batches are refused', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send('query=%7B__typename%7D', form)).status).toBe(415);
    const batch = await send(Array.from({ length: 10 }, () => ({ query: '{ __typename }' })));
    expect([batch.status, Array.isArray(batch.answer)]).toEqual([400, false]);
  });

  it('aliases, repeated fields and directives by the hundred are refused with one error', async () => {
    const many = (n: number, one: (i: number) => string) => Array.from({ length: n }, (_, i) => one(i)).join(' ');
    for (const query of [
      `{ ${many(101, (i) => `alias${i}: __typename`)} }`,
      `{ ${many(501, () => '__typename')} }`,
      `{ __typename ${many(10, () => '@aa')} }`,
    ]) {
      const { data, errors } = await ask(query);
      expect(data).toBeUndefined();
      expect(errors).toHaveLength(1);
    }
  });

  it('errors suggest no names of the schema, and tell nothing of the server', async () => {
    const { errors } = await ask('{ viewr { id } }');
    expect(errors?.[0]?.message).not.toMatch(/did you mean/i);
    const broken = await send('{ "query": "{ __typename', {});
    const odd = await ask('qwerty cop { abc }');
    for (const text of [JSON.stringify(broken.answer), JSON.stringify(odd)])
      expect(text).not.toMatch(/exception|stack|node_modules|\.ts\b/i);
  });

  it('nobody gets traces by asking for them', async () => {
    const { answer } = await send({ query: '{ __typename }' }, { 'apollo-tracing': '1', 'x-apollo-tracing': '1' });
    expect(JSON.stringify(answer)).not.toMatch(/tracing/);
  });
});

describe('[PROD1] a database with the demo', () => {
  it('is refused in production', async () => {
    const database = await testDatabase();
    await expect(refuseDemo(database)).resolves.toBeUndefined();
    await database.sql`insert into listeners (external_id, display_name, simulated) values ('s', 'S', true)`;
    await expect(refuseDemo(database)).rejects.toThrow(/holds the demo.*docs\/import\.md/);
  });
});
