import { beforeEach, describe, expect, it } from 'vitest';
import { TuneLinks } from '../../src/resolvers/drafts/tune-links.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { HARBOUR } from '../support/tunes/tunes.ts';

let server: TestListening;
let id: string;

beforeEach(async () => {
  server = await startListening();
  id = crypto.randomUUID();
  const { listener } = await server.services.listeners.ensure('demo').then((listener) => ({ listener }));
  const usage = { promptTokens: 1, completionTokens: 1, timeToFirstTokenMs: null, tokensPerSecond: null };
  const sampling = { temperature: 0, topK: 1, topP: 1, minP: 0, repetitionPenalty: 1, maxTokens: 1, seed: 1, stop: [] };
  const turns = [{ instruction: null, sampling, from: 1, before: usage }];
  const { sql } = server.database;
  await sql`insert into drafts (id, listener_id, kind, title, prompt, visibility, status, finish_reason, model_id, sampling,
      turns, usage, sequence, texts) values (${id}, ${listener.id}, 'TUNE', 'Harbour', 'Harbour', 'PRIVATE', 'COMPLETED', 'STOP',
      'scripted', ${JSON.stringify(sampling)}::jsonb, ${JSON.stringify(turns)}::jsonb, ${JSON.stringify(usage)}::jsonb, 1,
      array[${HARBOUR}])`;
});

async function tuneOf(fields: string): Promise<Record<string, string>> {
  const { data, errors } = await ask(
    server.graphqlUrl,
    `{ draft(id: "${encodeId('Draft', id)}") { tune { ${fields} } } }`,
  );
  expect(errors).toBeUndefined();
  return (data?.draft as { tune: Record<string, string> }).tune;
}

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(new URL(path, server.url), { headers, method });

describe('the files of a tune', () => {
  it('[TUNE12] are at the links that the draft states, whole or in parts', async () => {
    const { midi, wav, svg, title } = await tuneOf(
      'midi wav(instrument: FLUTE) svg title form bars { number exact } notes { pitch }',
    );
    expect([title, svg?.slice(0, 4)]).toEqual(['Harbour Lights', '<svg']);
    const file = await get(midi!);
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'audio/midi']);
    const whole = await get(wav!);
    const bytes = new Uint8Array(await whole.arrayBuffer());
    expect(whole.headers.get('content-type')).toBe('audio/wav');
    const etag = whole.headers.get('etag')!;
    for (const [range, from, to] of [
      ['bytes=0-99', 0, 100],
      ['bytes=100-', 100, bytes.length],
      ['bytes=-50', bytes.length - 50, bytes.length],
      ['bytes=10-999999999', 10, bytes.length],
    ] as const) {
      const part = await get(wav!, { range });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${bytes.length}`);
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(from, to));
    }
    expect((await get(wav!, { range: 'bytes=999999999-' })).status).toBe(416);
    expect((await get(wav!, { range: 'bytes=5-1' })).status).toBe(200);
    expect((await get(wav!, { range: 'lines=1-2' })).status).toBe(200);
    expect((await get(wav!, { range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
    expect((await get(wav!, { 'if-none-match': etag })).status).toBe(304);
    const head = await get(wav!, {}, 'HEAD');
    expect([head.headers.get('content-length'), (await head.arrayBuffer()).byteLength]).toEqual([
      String(bytes.length),
      0,
    ]);
    expect((await get(wav!, {}, 'POST')).status).toBe(405);
  });

  it('[TUNE13] are refused to a link that was changed, has expired, or whose draft is gone', async () => {
    const { midi } = await tuneOf('midi');
    const [, , token, name] = midi!.split('/');
    const [claims, mac] = token!.split('.');
    const other = Buffer.from(Buffer.from(claims!, 'base64url').toString().replace(/\.1\./, '.2.')).toString(
      'base64url',
    );
    const forged = [`${other}.${mac}`, `${claims}.${'A'.repeat(32)}`, claims!, `${claims}.`, 'x', '', '%00', 'é'];
    for (const bad of forged) expect((await get(`/tunes/${encodeURI(bad)}/${name}`)).status, bad).toBe(404);
    expect((await get(`/tunes/${token}/drum.wav`)).status).toBe(404);
    expect((await get(`/tunes/${token}`)).status).toBe(404);
    await server.database.sql`delete from drafts where id = ${id}`;
    expect((await get(midi!)).status).toBe(404);
  });

  it('[TUNE13] links are valid for an hour, and at every node with the same secret', async () => {
    let now = 1_000_000;
    const clock = { now: () => now, monotonic: () => now };
    const viewer = { listener: await server.services.listeners.ensure('demo'), roles: new Set(['LISTENER' as const]) };
    const [one, other] = [new TuneLinks('a secret', clock), new TuneLinks('a secret', clock)];
    const token = one.pathOf(id, viewer, 'FIDDLE').split('/')[2]!;
    expect(other.read(token)).toEqual({ draftId: id, listenerId: viewer.listener.id, admin: false });
    expect(new TuneLinks('another', clock).read(token)).toBeNull();
    expect(new TuneLinks(null, clock).read(token)).toBeNull();
    now += 3_600_000;
    expect(one.read(token)).not.toBeNull();
    now += 601_000;
    expect(one.read(token)).toBeNull();
  });

  it('refuses a width that no page has', async () => {
    const { errors } = await ask(
      server.graphqlUrl,
      `{ draft(id: "${encodeId('Draft', id)}") { tune { svg(width: 5) } } }`,
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'width' });
  });
});
