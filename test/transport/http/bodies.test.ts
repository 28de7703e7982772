import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { type Answer, startListening } from '../../support/listening.ts';
import { sendRaw } from '../../support/network/raw-http.ts';

const query = '{ __typename }';
const json = JSON.stringify({ query });

async function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const bytes = typeof body === 'string' ? body : new Uint8Array(body);
  const response = await fetch(url, {
    ...{ method: 'POST', body: bytes },
    headers: { 'content-type': 'application/json', ...headers },
  });
  const answer = (await response.json()) as Answer;
  const [error] = answer.errors ?? [];
  return {
    status: response.status,
    headers: response.headers,
    answer,
    message: error?.message,
    code: error?.extensions?.code,
  };
}

describe('[HTTP2] the caller', () => {
  it('is identified before a body is read', async () => {
    const { url } = await startListening({ config: withAuth });
    const head = `POST /graphql HTTP/1.1\r\nhost: ${new URL(url).host}\r\ncontent-type: application/json\r\n`;
    // Of the body nothing is ever sent.
    const answer = await sendRaw(url, `${head}content-length: 1000000\r\n\r\n`);
    expect(answer.status).toBe(401);
    expect(answer.body).toContain('UNAUTHENTICATED');
  });

  it('is identified before a document is read: without a token the answer is 401, whatever is sent', async () => {
    const { graphqlUrl } = await startListening({ config: withAuth });
    const bodies = ['{', '[]', JSON.stringify({ query: '{ nope }' }), JSON.stringify({ query: '{' }), '\ufeff'];
    for (const body of bodies) expect((await post(graphqlUrl, body)).status, body).toBe(401);
    expect((await fetch(`${graphqlUrl}?query={nope}`, { headers: { accept: 'application/json' } })).status).toBe(401);
  });
});

describe('[HTTP7] a body', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'query=mutation{__typename}'],
    ['a bare document', 'application/graphql', 'mutation{__typename}'],
    ['plain text', 'text/plain', json],
    ['a form of parts', 'multipart/form-data; boundary=x', '--x--'],
    ['JSON in another charset', 'application/json; charset=utf-16', json],
    ['something that begins alike', 'application/jsonp', json],
    ['nothing that is said', '', json],
  ])('that is %s is 415, and the error says what to send', async (_, type, body) => {
    const { graphqlUrl } = await startListening();
    const { status, message, code, headers } = await post(graphqlUrl, body, { 'content-type': type });
    expect([status, code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(message).toContain('Content-Type: application/json');
    expect(headers.get('accept')).toBe('application/json');
  });

  it.each(['application/json', 'Application/JSON ; charset="UTF-8"', 'application/json;charset=utf8'])(
    'as %s is read',
    async (type) => {
      const { graphqlUrl } = await startListening();
      expect(await post(graphqlUrl, json, { 'content-type': type })).toMatchObject({ status: 200 });
    },
  );

  it('with a byte order mark is read', async () => {
    const { graphqlUrl } = await startListening();
    expect(await post(graphqlUrl, `\ufeff${json}`)).toMatchObject({ status: 200, answer: { data: {} } });
  });

  it('that is not UTF-8 is refused, and no character is replaced', async () => {
    const { graphqlUrl } = await startListening();
    for (const bytes of [
      Buffer.from('{"query":"{ __typename } # \xe9"}', 'latin1'),
      Buffer.from(`\ufeff${json}`, 'utf16le'),
    ]) {
      expect(await post(graphqlUrl, bytes)).toMatchObject({ status: 400, message: 'The body is not UTF-8' });
    }
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('compressed as %s is read; damaged it is 400, and a bomb is 413', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(8 << 20, 0x20));
    const { graphqlUrl } = await startListening({ limits: { messageBytes: 65_536 } });
    const headers = { 'content-encoding': encoding };
    expect(await post(graphqlUrl, compress(json), headers)).toMatchObject({ status: 200 });
    expect(await post(graphqlUrl, compress(json).subarray(0, -6), headers)).toMatchObject({ status: 400 });
    expect(bomb.length).toBeLessThan(65_536);
    expect(await post(graphqlUrl, bomb, headers)).toMatchObject({ status: 413, code: 'REQUEST_ENTITY_TOO_LARGE' });
  });

  it('with another compression is 415, and the error names those supported', async () => {
    const { graphqlUrl } = await startListening();
    const { status, message, headers } = await post(graphqlUrl, json, { 'content-encoding': 'zstd' });
    expect([status, headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate, br']);
    expect(message).toContain('gzip');
  });

  it('that is a batch is refused with the reason', async () => {
    const { graphqlUrl } = await startListening();
    const { status, message } = await post(graphqlUrl, JSON.stringify([{ query }]));
    expect(status).toBe(400);
    expect(message).toContain('batches are not taken');
  });

  it.each(['', '{"query":"{__typename}","variables":', '{"query":"{__typename}","extensions":'])(
    'nested 400,000 levels deep is refused: %s',
    async (start) => {
      const { graphqlUrl } = await startListening();
      const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`;
      const { status, message } = await post(graphqlUrl, `${start}${deep}${start && '}'}`);
      expect(status).toBe(400);
      expect(message).toContain('nested deeper');
    },
  );

  it('may have brackets in strings, which do not count as levels', async () => {
    const { graphqlUrl } = await startListening();
    const brackets = `\\"${'[{'.repeat(200)}`;
    expect(await post(graphqlUrl, JSON.stringify({ query: `{ __typename } # ${brackets}` }))).toMatchObject({
      status: 200,
    });
  });
});

describe('[HTTP7] parameters', () => {
  it('a persisted query is refused in the form of its protocol', async () => {
    const { graphqlUrl } = await startListening();
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
    const told = { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } };
    const posted = await post(graphqlUrl, JSON.stringify({ extensions }));
    expect(posted).toMatchObject({ status: 200, answer: { errors: [told] } });
    const url = `${graphqlUrl}?extensions=${encodeURIComponent(JSON.stringify(extensions))}`;
    const got = await fetch(url, { headers: { accept: 'application/json' } });
    expect(await got.json()).toEqual({ errors: [told] });
    expect(await post(graphqlUrl, JSON.stringify({ query, extensions }))).toMatchObject({
      status: 200,
      answer: { data: {} },
    });
  });

  it.each(['variables={', 'variables=[]', 'variables=5', 'extensions={'])(
    '%s in a URL is 400 and named',
    async (part) => {
      const { graphqlUrl } = await startListening();
      const response = await fetch(`${graphqlUrl}?query={__typename}&${part}`, {
        headers: { accept: 'application/json' },
      });
      expect(response.status).toBe(400);
      const { errors } = (await response.json()) as Answer;
      expect(errors?.[0]?.message).toContain(part.split('=')[0]);
      expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_REQUEST' });
    },
  );

  it('an operationName of a megabyte is refused, and not logged', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const server = await startListening({ log, config: withAuth });
    const long = 'x'.repeat(1_000_000);
    const body = JSON.stringify({ query, operationName: long });
    expect(await post(server.graphqlUrl, body)).toMatchObject({ status: 401 });
    const refused = await post(server.graphqlUrl, body, await bearer({ sub: 'ann' }));
    expect(refused).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    expect(refused.message).toContain('operationName');
    for (const other of [5, {}, ['{ __typename }'], true]) {
      const problem = await post(server.graphqlUrl, JSON.stringify({ query: other }), await bearer({ sub: 'ann' }));
      expect(problem).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    }
    for (const operationName of [5, {}, ['a'], true]) {
      const other = await post(
        server.graphqlUrl,
        JSON.stringify({ query, operationName }),
        await bearer({ sub: 'ann' }),
      );
      expect(other).toMatchObject({ status: 400, message: 'operationName is not a text' });
    }
    await server.close('the log is complete', 1_000);
    expect(lines.some((line) => line.includes('"Request"'))).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2_000);
  });

  it('an error does not repeat a long variable in full', async () => {
    const { graphqlUrl } = await startListening();
    const body = {
      query: 'query ($n: Int) { tracks(first: $n) { totalCount } }',
      variables: { n: 'x'.repeat(500_000) },
    };
    const { status, message } = await post(graphqlUrl, JSON.stringify(body));
    expect(status).toBe(400);
    expect(message).toContain('$n');
    expect(message!.length).toBeLessThan(1_000);
  });
});

describe('[SERVE7] a mutation whose answer the client does not accept', () => {
  it('is not executed, and the error lists each media type once', async () => {
    const { graphqlUrl, services, database } = await startListening();
    const mutation = `mutation { upsertTracks(input: [{ externalId: "t", title: "T", artist: "A" }]) { __typename } }`;
    const body = JSON.stringify({ query: mutation });
    const { status, message } = await post(graphqlUrl, body, { accept: 'text/html' });
    expect(status).toBe(406);
    const forms = /answered as (.*): name/.exec(message ?? '')?.[1]?.split(', ') ?? [];
    expect(forms).toEqual([...new Set(forms)]);
    expect(forms).toContain('application/json');
    expect((await services.catalogue.searchTracks({ first: 1, orderBy: 'POPULARITY' })).edges).toEqual([]);
    expect(await database.sql`select 1 from tracks`).toHaveLength(0);
  });
});
