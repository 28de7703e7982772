import { gzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { startListening } from '../../support/listening.ts';
import { builtStudio } from '../../support/pages/studio.ts';

/** Of what is loaded before anything is seen: page, script, style, first room and upright type. */
const MOST_BYTES = 350_000;

beforeAll(builtStudio);

it('[STUDIO1] all of the Studio comes from this server, nothing of it is inline, and it is small', async () => {
  const { url } = await startListening();
  const response = await fetch(`${url}/studio`);
  const html = await response.text();
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(html).not.toMatch(/<script>|<style|\son\w+=|style="|(?:src|href)="(?:https?:)?\/\//);
  const policy = response.headers.get('content-security-policy')!;
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'$/);
  expect(policy).not.toContain('unsafe');

  let bytes = gzipSync(html).length;
  const addresses = [...html.matchAll(/(?:src|href)="\.\/(studio\/[^"]+)"/g)].map(([, address]) => address!);
  expect(addresses).toHaveLength(3);
  for (let address = addresses.pop(); address !== undefined; address = addresses.pop()) {
    const file = await fetch(`${url}/${address}`);
    const { status, headers } = file;
    expect([status, headers.get('cache-control')], address).toEqual([200, 'public, max-age=31536000, immutable']);
    const content = Buffer.from(await file.arrayBuffer());
    bytes += gzipSync(content).length;
    // What the script loads next, and the fonts of the style.
    const more = [...content.toString().matchAll(/[\w-]*(?:Listen|-latin-wght-normal)-[\w-]+\.(?:js|css|woff2)/g)];
    addresses.push(...new Set(more.map(([name]) => `studio/${name}`).filter(() => address.includes('index'))));
  }
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(MOST_BYTES);

  const etag = response.headers.get('etag')!;
  expect((await fetch(`${url}/studio`, { headers: { 'if-none-match': etag } })).status).toBe(304);
  for (const path of ['/studio/', '/studio/../package.json', '/studio/.built', '/studio/index.html', '/studiox'])
    expect((await fetch(`${url}${path}`)).status, path).toBe(404);
});

it('[STUDIO2] is not served where it is switched off', async () => {
  const { url } = await startListening({ config: { studio: false } });
  expect((await fetch(`${url}/studio`)).status).toBe(404);
});
