import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withAuth } from '../../support/access/auth.ts';
import { heapInUse } from '../../support/heap.ts';
import { startListening } from '../../support/listening.ts';
import { sendRaw } from '../../support/network/raw-http.ts';

const HTML = { accept: 'text/html' };

/** The addresses of the page's files. */
async function filesOf(graphqlUrl: string): Promise<string[]> {
  const page = await (await fetch(graphqlUrl, { headers: HTML })).text();
  return [...page.matchAll(/(?:src|href)="(graphql\/[^"]+)"/g)].map(
    ([, address]) => new URL(address!, graphqlUrl).href,
  );
}

describe('[HTTP6] GraphiQL’s page', () => {
  it('is small, has no inline script, and is not sent again while it is unchanged', async () => {
    const { graphqlUrl } = await startListening();
    const page = await fetch(graphqlUrl, { headers: HTML });
    const text = await page.text();
    expect(text.length).toBeLessThan(20_000);
    expect(text).not.toMatch(/<script>|javascript:/);
    const etag = page.headers.get('etag')!;
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const again = await fetch(graphqlUrl, { headers: { ...HTML, 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await fetch(graphqlUrl, { headers: { ...HTML, 'if-none-match': 'W/"another"' } })).status).toBe(200);
  });

  it('[SERVE14] asks for a token where requests need one, and only there', async () => {
    const optionsOf = async (config: Parameters<typeof startListening>[0]): Promise<Record<string, unknown>> => {
      const { graphqlUrl } = await startListening(config);
      const page = await (await fetch(graphqlUrl, { headers: HTML })).text();
      return JSON.parse(/type="application\/json">(.*)<\/script>/.exec(page)![1]!) as Record<string, unknown>;
    };
    const open = await optionsOf({});
    expect(open).not.toHaveProperty('headers');
    const closed = await optionsOf({ config: withAuth });
    const headers = expect.stringContaining('"authorization": "Bearer ') as string;
    expect(closed).toMatchObject({ headers, defaultEditorToolsVisibility: 'headers', shouldPersistHeaders: false });
    expect(closed.defaultTabs).toEqual((open.defaultTabs as object[]).map((tab) => ({ ...tab, headers })));
  });

  it('has cacheable files, compressed as the browser accepts them', async () => {
    const { graphqlUrl, url } = await startListening();
    const files = await filesOf(graphqlUrl);
    expect(files).toHaveLength(3);
    for (const file of files) {
      const { status, headers } = await fetch(file);
      expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
    const script = files.find((file) => file.includes('graphiql.js'))!;
    const sizes: Record<string, number> = {};
    for (const coding of ['br', 'gzip', 'gzip;q=0, identity']) {
      const head = `GET ${new URL(script).pathname} HTTP/1.0\r\nhost: ${new URL(url).host}\r\naccept-encoding: ${coding}\r\n\r\n`;
      const answer = await sendRaw(url, head);
      sizes[coding] = Number(/content-length: (\d+)/i.exec(answer.head)?.[1]);
      expect(/content-encoding: (\w+)/i.exec(answer.head)?.[1]).toBe(coding.includes('q=0') ? undefined : coding);
      expect(answer.head).toMatch(/vary: accept-encoding/i);
    }
    expect(sizes.br).toBeLessThan(sizes.gzip!);
    expect(sizes.gzip).toBeLessThan(sizes['gzip;q=0, identity']! / 3);
    const plain = await (await fetch(script, { headers: { 'accept-encoding': 'identity' } })).text();
    const packed = await fetch(script, { headers: { 'accept-encoding': 'gzip' } });
    expect(await packed.text()).toBe(plain);
    expect((await fetch(`${graphqlUrl}/nothing.js`)).status).toBe(404);
  });

  it('uses no additional memory for clients that do not read it', async () => {
    const { url, graphqlUrl } = await startListening();
    const [, , script] = await filesOf(graphqlUrl);
    await (await fetch(script!)).text();
    const before = heapInUse() + process.memoryUsage().external;
    const head = `GET ${new URL(script!).pathname} HTTP/1.1\r\nhost: ${new URL(url).host}\r\naccept-encoding: gzip\r\n\r\n`;
    const readers = Array.from({ length: 40 }, () => connect(Number(new URL(url).port), '127.0.0.1'));
    onTestFinished(() => readers.forEach((reader) => void reader.destroy()));
    await Promise.all(
      readers.map(async (reader) => {
        await once(reader, 'connect');
        reader.write(head);
        await once(reader, 'readable');
        reader.pause();
      }),
    );
    expect(heapInUse() + process.memoryUsage().external - before).toBeLessThan(10e6);
  });

  it('can be disabled, and operations still work', async () => {
    const { graphqlUrl } = await startListening({ config: { graphiql: false } });
    const page = await fetch(graphqlUrl, { headers: HTML });
    expect(page.status).toBe(404);
    expect(await page.text()).toContain('CADENZA_GRAPHIQL');
    expect((await fetch(`${graphqlUrl}/graphiql.js`)).status).toBe(404);
    const asked = await fetch(`${graphqlUrl}?query={__typename}`, { headers: { accept: 'application/json' } });
    expect(await asked.json()).toMatchObject({ data: { __typename: 'Query' } });
  });

  it('needs no token', async () => {
    const { graphqlUrl } = await startListening({ config: withAuth });
    expect((await fetch(graphqlUrl, { headers: HTML })).status).toBe(200);
  });
});
