import { isIntrospectionType, isObjectType } from 'graphql';
import { expect, it } from 'vitest';
import { buildSchema } from '../../../src/schema/schema.ts';
import { startListening } from '../../support/listening.ts';

async function page() {
  const { url } = await startListening();
  const response = await fetch(`${url}/docs`);
  return { url, response, html: await response.text() };
}

it('[SERVE13] the reference has an entry for every type and field, and each of its links leads to one', async () => {
  const { html, response } = await page();
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  expect(new Set(ids).size).toBe(ids.length);
  const schema = buildSchema();
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].map((one) => one?.name);
  const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
  const fields = types.flatMap((type) =>
    isObjectType(type) ? Object.keys(type.getFields()).map((name) => `${type.name}.${name}`) : [],
  );
  const names = [...types.map(({ name }) => name).filter((name) => !roots.includes(name)), ...fields];
  expect(names.filter((name) => !ids.includes(name))).toEqual([]);
  const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!);
  expect(links.length).toBeGreaterThan(names.length);
  expect(links.filter((id) => !ids.includes(id))).toEqual([]);
  expect(html).not.toMatch(/\bundefined\b|\[object|(?:src|href)="(?:https?:)?\/\//);
});

it('[SERVE13] all of the reference comes from this server, and no script is inline', async () => {
  const { url, html, response } = await page();
  expect(html).not.toMatch(/<script>|<style|\son\w+=|style="/);
  expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/);
  const files = [...html.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, address]) => new URL(address!, url));
  expect(files).toHaveLength(2);
  for (const file of files) {
    const { status, headers } = await fetch(file);
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
  }
  const etag = response.headers.get('etag')!;
  expect((await fetch(`${url}/docs`, { headers: { 'if-none-match': etag } })).status).toBe(304);
  for (const path of ['/docs/', '/docs/../package.json', '/docs/nothing.js', '/docsx'])
    expect((await fetch(`${url}${path}`)).status, path).toBe(404);
});

it('[SERVE13] is not served where pages are switched off', async () => {
  const { url } = await startListening({ config: { graphiql: false } });
  expect((await fetch(`${url}/docs`)).status).toBe(404);
});
