import { tableFromIPC } from 'apache-arrow';
import { SignJWT } from 'jose';
import { readParquet } from 'parquet-wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { toCsv } from '../../src/transport/export/csv.ts';
import { addTracks } from '../support/catalogue/catalogue.ts';
import { startListening } from '../support/listening.ts';
import { createDatabase } from '../support/postgres/database.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
/** More lists than are read at once. */
const LISTS = 1_234;

let database: Database;
let url: string;
let ids: number[];

beforeAll(async () => {
  database = await createDatabase();
  const tracks = Array.from({ length: 4 }, (_, i) => ({ externalId: `t,${i}`, title: `T${i}`, artist: 'A' }));
  ({ ids } = await addTracks(database, tracks));
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  const { id } = await listeners.ensure('=ann "x"');
  const { sql } = database;
  await sql`
    insert into recommendation_lists (id, listener_id, model_version, track_ids, propensities, causes, created_at)
    select gen_random_uuid(), ${id}, 'v1', ${`{${ids[0]},${ids[1]}}`}::bigint[], '{0.9,0.005}',
      ${`h${ids[3]}\npgenre jazz`}, '2026-11-01T00:00:00Z'::timestamptz + (n / 3) * interval '1 second'
    from generate_series(0, ${LISTS - 1}) as n`;
  await sql`
    insert into recommendation_lists (id, listener_id, surface, model_version, track_ids, causes, created_at)
    values (gen_random_uuid(), ${id}, 'PREVIEW', 'v1', ${`{${ids[0]}}`}::bigint[], '-', '2026-11-01T00:00:00Z')`;
  await sql`
    insert into feedback (listener_id, track_id, kind, at, request_id)
    select listener_id, track_ids[2], 'PLAY', created_at + interval '1 minute', id from recommendation_lists
    where surface <> 'PREVIEW' and created_at < '2026-11-01T00:00:01Z'`;
  await sql`insert into feedback (listener_id, track_id, kind, at) values (${id}, ${ids[2]!}, 'LIKE', '2026-11-02T00:00:00Z')`;
});
afterAll(() => database[Symbol.asyncDispose]());

const serve = async () => {
  url = (await startListening({ database, config: { auth } })).graphqlUrl.replace('/graphql', '/export');
};

const tokenOf = (role: string) =>
  new SignJWT({ sub: 'x', roles: [role] })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
const get = async (query: string, role = 'ANALYST') =>
  fetch(`${url}?${query}`, { headers: { authorization: `Bearer ${await tokenOf(role)}` } });
const period = 'from=2026-11-01&to=2026-11-03';

describe('/export/listener', () => {
  const ask = async (query: string, role: string) => {
    const answer = await fetch(`${url}/listener${query}`, {
      headers: { authorization: `Bearer ${await tokenOf(role)}` },
    });
    return { status: answer.status, text: await answer.text() };
  };

  it('[EXPORT3] is the viewer’s, and somebody else’s only for SERVICE', async () => {
    await serve();
    expect(JSON.parse((await ask('', 'LISTENER')).text)).toMatchObject({ listener: { externalId: 'x' }, lists: [] });
    const somebody = `?externalId=${encodeURIComponent('=ann "x"')}`;
    for (const role of ['LISTENER', 'ANALYST']) expect(await ask(somebody, role)).toMatchObject({ status: 403 });
    const { status, text } = await ask(somebody, 'SERVICE');
    expect(status).toBe(200);
    expect((JSON.parse(text) as { lists: unknown[] }).lists).toHaveLength(LISTS + 1);
    expect(await ask('?externalId=nobody', 'SERVICE')).toMatchObject({ status: 404 });
    const wrong = await ask('?listenerId=7', 'SERVICE');
    expect(wrong).toMatchObject({ status: 400, text: expect.stringContaining('listenerId') as string });
  });
});

describe('/export', () => {
  it('[EXPORT1] gives lists as CSV: one line for each impression, each once, with the ids of the operator', async () => {
    await serve();
    const response = await get(`of=lists&${period}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="lists.csv"');
    const lines = (await response.text()).split('\r\n');
    expect(lines[0]).toBe('requestId,listener,servedAt,surface,modelVersion,position,track,propensity,reason,reasonOf');
    expect(lines).toHaveLength(1 + 2 * LISTS + 1);
    const rest = lines[1]!.slice(36);
    expect(rest).toBe(`,"'=ann ""x""",2026-11-01T00:00:00.000Z,RECOMMENDATIONS,v1,1,"t,0",0.9,HISTORY,"t,3"`);
    expect(lines[2]!.endsWith(',2,"t,1",0.005,PREFERENCE,genre jazz')).toBe(true);
    expect(new Set(lines.slice(1, -1).map((line) => line.slice(0, 36))).size).toBe(LISTS);
  });

  it('[EXPORT1] gives the same as Parquet, which another implementation reads', async () => {
    await serve();
    const read = async (query: string) => {
      const response = await get(`${query}&format=parquet`);
      expect(response.headers.get('content-type')).toBe('application/vnd.apache.parquet');
      return tableFromIPC(readParquet(new Uint8Array(await response.arrayBuffer())).intoIPCStream());
    };
    const lists = await read(`of=lists&${period}`);
    expect(lists.numRows).toBe(2 * LISTS);
    expect(lists.schema.fields.map(({ name, type }) => `${name} ${String(type)}`).slice(1, 6)).toEqual([
      'listener Utf8',
      'servedAt Timestamp<MILLISECOND, UTC>',
      'surface Utf8',
      'modelVersion Utf8',
      'position Int64',
    ]);
    expect(lists.get(2 * LISTS - 1)?.toJSON()).toMatchObject({
      ...{ listener: '=ann "x"', position: 2n, track: 't,1', propensity: 0.005, reason: 'PREFERENCE' },
    });
    const clicks = await read(`of=clicks&${period}`);
    expect(clicks.numRows).toBe(3);
    expect(clicks.get(0)?.toJSON()).toMatchObject({ kind: 'PLAY', track: 't,1', position: 2n, modelVersion: 'v1' });
    const feedback = await read(`of=feedback&${period}`);
    expect(feedback.numRows).toBe(4);
    expect(feedback.get(3)?.toJSON()).toMatchObject({ kind: 'LIKE', listenedMs: null, requestId: null });
    expect((await read('of=feedback&from=2026-10-01&to=2026-10-02')).numRows).toBe(0);
  });

  it('[EXPORT1] is for analysts, and names what is wrong', async () => {
    await serve();
    expect((await get(`of=lists&${period}`, 'LISTENER')).status).toBe(403);
    expect((await fetch(`${url}?of=lists`)).status).toBe(401);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    for (const [query, field] of [
      ['', 'of'],
      ['of=secrets', 'of'],
      ['of=lists&format=xlsx', 'format'],
      ['of=lists&from=yesterday', 'from'],
      ['of=lists&to=2026-02-30', 'to'],
      ['of=lists&from=2026-11-02&to=2026-11-01', 'from'],
      ['of=lists&timeZone=Nowhere', 'timeZone'],
    ] as const) {
      const response = await get(query);
      expect(response.status, query).toBe(400);
      const { errors } = (await response.json()) as { errors: { extensions: { code: string; field: string } }[] };
      expect(errors[0]!.extensions, query).toMatchObject({ code: 'INVALID_INPUT', field });
    }
  });

  it('[EXPORT2] reads no more than is accepted, and stops when the reader leaves', async () => {
    await serve();
    let read = 0;
    async function* batches() {
      try {
        for (;;) {
          read += 1;
          yield [{ text: 'x'.repeat(1_000) }];
          await Promise.resolve();
        }
      } finally {
        read = -1;
      }
    }
    const csv = toCsv([{ name: 'text', type: 'text' }], batches());
    await csv.next();
    expect(read).toBe(0);
    await csv.next();
    expect(read).toBe(1);
    await csv.return(undefined);
    expect(read).toBe(-1);
    // Over a socket that is closed after the first bytes, twice more than may run at once: each gives its place back.
    for (let i = 0; i < 4; i++) {
      const left = new AbortController();
      const headers = { authorization: `Bearer ${await tokenOf('ANALYST')}` };
      const response = await fetch(`${url}?of=lists&${period}`, { headers, signal: left.signal });
      await response.body!.getReader().read();
      left.abort();
      await expect.poll(async () => (await get('of=feedback&from=2026-10-01&to=2026-10-02')).status).toBe(200);
    }
  });
});
