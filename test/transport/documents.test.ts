import { createClient } from 'graphql-ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { MAX_ERRORS } from '../../src/transport/documents/limits.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { heapInUse } from '../support/heap.ts';
import { type Answer, ask, startListening, type TestListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { firstOfStream } from '../support/streams.ts';

type Error = NonNullable<Answer['errors']>[number];

async function overSocket({ wsUrl }: TestListening, query: string, params: Record<string, unknown> = {}) {
  const client = createClient({ url: wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: params });
  onTestFinished(() => void client.dispose());
  try {
    for await (const result of client.iterate({ query })) return result as Answer;
    return {};
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors;
    return { errors: errors as Error[] };
  }
}

/** What both transports say to a document. */
async function refusalsOf(server: TestListening, query: string, headers: Record<string, string> = {}) {
  const answers = [await ask(server.graphqlUrl, query, {}, headers), await overSocket(server, query, headers)];
  return answers.map(({ data, errors }) => {
    expect(data ?? null).toBeNull();
    return errors ?? [];
  });
}

const long = (kilobytes: number): string => `{ __typename } # ${'x'.repeat(kilobytes * 1024)}`;

describe('[DOC1] a document', () => {
  it('is refused if it is longer than 16 KiB, or than the configured limit', async () => {
    const server = await startListening();
    expect((await ask(server.graphqlUrl, long(15))).data).toEqual({ __typename: 'Query' });
    for (const [error] of await refusalsOf(server, long(17))) {
      expect(error).toMatchObject({ extensions: { code: 'DOCUMENT_TOO_LONG' } });
      expect(error?.message).toContain('16384 bytes');
    }
    const wide = await startListening({ limits: { documentBytes: 100_000 } });
    expect((await ask(wide.graphqlUrl, long(90))).data).toEqual({ __typename: 'Query' });
  });

  it('is measured in bytes', async () => {
    const { graphqlUrl } = await startListening();
    expect((await ask(graphqlUrl, `{ __typename } # ${'\u4e2d'.repeat(6_000)}`)).errors).toHaveLength(1);
  });

  it('may be four times as long if an ADMIN sends it', async () => {
    const server = await startListening({ config: withAuth });
    const admin = await bearer({ sub: 'root', roles: ['ADMIN'] });
    expect((await ask(server.graphqlUrl, long(60), {}, admin)).data).toEqual({ __typename: 'Query' });
    expect((await overSocket(server, long(60), admin)).data).toEqual({ __typename: 'Query' });
    expect((await refusalsOf(server, long(65), admin)).flat()).toHaveLength(2);
    expect((await refusalsOf(server, long(17), await bearer({ sub: 'ann' }))).flat()).toHaveLength(2);
  });
});

describe('[DOC2] the document cache', () => {
  const growthOf = async (send: (i: number) => Promise<unknown>, times: number): Promise<number> => {
    for (let i = 0; i < 20; i++) await send(-i);
    const before = heapInUse();
    for (let i = 0; i < times; i++) await send(i);
    return heapInUse() - before;
  };

  it('keeps nothing of unauthenticated callers', async () => {
    const { graphqlUrl } = await startListening({ config: withAuth });
    // As the cases have it, with characters that make a text take twice the memory.
    const send = (i: number) => ask(graphqlUrl, `{ __typename } # ${i}\u4e2d${'x'.repeat(500_000)}`);
    expect((await send(0)).errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' });
    expect(await growthOf(send, 100)).toBeLessThan(20e6);
  });

  it('is bounded in bytes, however many documents are sent', async () => {
    const { graphqlUrl } = await startListening();
    const fields = '__typename @skip(if: false) @include(if: true) '.repeat(90);
    const send = (i: number) => ask(graphqlUrl, `query N${i + 100} { ${fields} }`);
    expect((await send(0)).errors).toBeUndefined();
    // Each takes about half a megabyte as it is parsed.
    expect(await growthOf(send, 250)).toBeLessThan(60e6);
  });

  it('keeps no invalid documents', async () => {
    const { graphqlUrl } = await startListening();
    const send = (i: number) => ask(graphqlUrl, `{ nope${i + 100}(a: "${'x'.repeat(15_000)}") }`);
    expect((await send(0)).errors).toHaveLength(1);
    expect(await growthOf(send, 500)).toBeLessThan(10e6);
  });
});

describe('[DOC3] before a document is validated', () => {
  const repeated = 'fields with the same name too often';
  const circle = 'fragment F on Query { genres { slug } ...G } fragment G on Query { genres { name } ...F }';

  it.each([
    ['480 equal fields', `{ ${'__typename '.repeat(480)} }`],
    ['equal fields within equal fields', `{ ${`genres { ${'slug '.repeat(40)} } `.repeat(40)} }`],
    ['equal fields in fragments', `{ ...F } fragment F on Query { ${'__typename '.repeat(480)} }`],
    [
      'equal fields by way of fragments',
      `{ ${'genres { ...F } '.repeat(60)} } fragment F on Genre { ${'slug '.repeat(30)} }`,
    ],
    ['equal fields of inline fragments', `{ ${'... { __typename } '.repeat(480)} }`],
    ['equal aliases of equal fields', `{ ${`a: genres { slug } `.repeat(300)} }`],
    [
      'a circle of fragments within equal fields',
      `{ ${'node(id: "x") { ...N } '.repeat(40)} } fragment N on Node { ${'id '.repeat(20)} ...N }`,
    ],
  ])('%s are refused', async (_, query) => {
    const server = await startListening();
    for (const errors of await refusalsOf(server, query)) {
      expect(errors).toHaveLength(1);
      expect(errors[0]?.message).toContain(repeated);
    }
  });

  it.each([
    ['lists', `{ tracks(first: ${'['.repeat(1_900)}`],
    ['lists that are closed', `{ nodes(ids: ${'['.repeat(900)}${']'.repeat(900)}) { id } }`],
    ['objects', `{ tracks(filter: ${'{ a: '.repeat(600)}`],
    ['selections', '{ a '.repeat(900)],
    ['types', `query ($a: ${'['.repeat(1_900)}`],
  ])('nested %s are refused before they overflow the parser’s stack', async (_, query) => {
    const server = await startListening();
    for (const [error] of await refusalsOf(server, query)) {
      expect(error).toMatchObject({
        message: 'The document is nested deeper than 100 levels',
        extensions: { code: 'GRAPHQL_PARSE_FAILED' },
      });
    }
  });

  it('brackets in strings and comments do not count as levels', async () => {
    const { graphqlUrl } = await startListening();
    const brackets = '[({'.repeat(60);
    const texts = [`"\\"${brackets}"`, `""" ${brackets} " \\""" ${brackets}"""`, '""'];
    const fields = texts.map((text, i) => `a${i}: __type(name: ${text}) { name }`).join(' ');
    const { data, errors } = await ask(graphqlUrl, `{ ${fields} } # ${brackets}`);
    expect([data, errors]).toEqual([{ a0: null, a1: null, a2: null }, undefined]);
  });

  it('a document that is refused for its depth or aliases is not validated', async () => {
    const server = await startListening();
    const aliases = Array.from({ length: 31 }, (_, i) => `a${i}: nope`).join(' ');
    for (const errors of await refusalsOf(server, `{ ${aliases} }`)) {
      expect(errors).toMatchObject([{ message: 'The document has 31 aliases; at most 30 are allowed' }]);
    }
  });

  it('documents of ordinary size pass, including fragments and all fields of the schema', async () => {
    const { getIntrospectionQuery } = await import('graphql');
    const server = await startListening();
    const spread = Array.from({ length: 40 }, (_, i) => `fragment F${i} on Genre { slug name }`).join(' ');
    const names = Array.from({ length: 40 }, (_, i) => `...F${i}`).join(' ');
    for (const query of [
      getIntrospectionQuery(),
      `{ genres { ${names} } } ${spread}`,
      `{ ${'__typename '.repeat(90)} }`,
    ]) {
      expect((await ask(server.graphqlUrl, query)).errors).toBeUndefined();
    }
    expect((await ask(server.graphqlUrl, `{ genres { slug } ...F } ${circle}`)).errors?.[0]?.message).toContain(
      'itself',
    );
  });
});

describe('[DOC5] fragments that spread each other twice, level by level', () => {
  const doubled = (type: string, field: string): string =>
    [
      ...Array.from({ length: 60 }, (_, i) => `fragment F${i} on ${type} { ...F${i + 1} ...F${i + 1} }`),
      `fragment F60 on ${type} { ${field} }`,
    ].join(' ');

  it.each([
    ['at the root of a query', `{ ...F0 } ${doubled('Query', '__typename')}`, { __typename: 'Query' }],
    ['in an object', `{ genres { ...F0 } } ${doubled('Genre', 'slug')}`, { genres: [] }],
    [
      'of a mutation',
      `mutation { ...F0 } ${doubled('Mutation', 'removeFeedback(id: "x") { ... on Error { __typename } }')}`,
      { removeFeedback: { __typename: 'InvalidInputError' } },
    ],
  ])('cost no more than one, however often they come: %s', async (_, query, data) => {
    const server = await startListening({ compiling: { afterExecutions: 1, mostTokens: 10_000, everyMs: 0 } });
    for (let n = 0; n < 4; n++) expect(await ask(server.graphqlUrl, query)).toMatchObject({ data });
  });

  it('cost no more than one in a subscription', async () => {
    const server = await startListening();
    const live = `subscription { recommendations { ...F0 } } ${doubled('RecommendationConnection', 'requestId')}`;
    const first = await firstOfStream(server.graphqlUrl, live, {});
    for (const { data } of [await overSocket(server, live), first]) {
      expect(data).toMatchObject({ recommendations: { requestId: expect.any(String) as string } });
    }
  });
});

describe('[DOC4] errors in a document', () => {
  it('are at most ten', async () => {
    const server = await startListening();
    const fields = Array.from({ length: 600 }, (_, i) => `nope${i}`).join(' ');
    for (const errors of await refusalsOf(server, `{ ${fields} }`)) expect(errors).toHaveLength(MAX_ERRORS);
  });

  it.each([
    ['a field', '{ genress { slug } }', {}],
    ['an argument', '{ tracks(frist: 1) { totalCount } }', {}],
    ['a type', 'query ($id: IDD) { __typename }', {}],
    ['a value', '{ tracks(first: 1, orderBy: POPULARTY) { totalCount } }', {}],
    [
      'a field of a variable',
      'query ($f: TrackFilterInput) { tracks(filter: $f) { totalCount } }',
      { f: { genress: ['x'] } },
    ],
  ])('suggest no other names: %s', async (_, query, variables) => {
    const { graphqlUrl } = await startListening();
    const { errors } = await ask(graphqlUrl, query, variables);
    expect(errors?.length).toBeGreaterThan(0);
    expect(JSON.stringify(errors)).not.toContain('Did you mean');
  });

  it.each(['then', '__proto__'])('refuse an alias %s, wherever it is selected', async (alias) => {
    const server = await startListening();
    for (const query of [
      `{ ${alias}: __typename }`,
      `{ genres { ${alias}: slug } }`,
      `subscription { recommendations { ${alias}: requestId } }`,
      `mutation { ${alias}: deleteDraft(id: "x") { __typename } }`,
    ]) {
      for (const [error] of await refusalsOf(server, query)) {
        expect(error?.message).toContain(`${alias} cannot be an alias`);
        expect(error?.extensions?.code).not.toBe('INTERNAL_SERVER_ERROR');
      }
    }
  });

  it('do not include other special names of JavaScript', async () => {
    const database = await testDatabase();
    await addTracks(database, someTracks(3));
    const server = await startListening({ database });
    const names = ['constructor', 'toString', 'hasOwnProperty', 'toJSON', 'valueOf', 'catch', 'prototype'];
    const aliases = names.map((name) => `${name}: requestId`).join(' ');
    const { data } = await ask(server.graphqlUrl, `{ recommendations { ${aliases} } }`);
    expect(Object.keys((data as { recommendations: object }).recommendations)).toEqual(names);
    const subscription = `subscription constructor { recommendations { ${aliases} } }`;
    for (const answer of [
      await firstOfStream(server.graphqlUrl, subscription, {}),
      await overSocket(server, subscription),
    ]) {
      expect(Object.keys((answer.data as { recommendations: object }).recommendations)).toEqual(names);
    }
  });
});
