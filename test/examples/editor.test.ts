import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { bearer, withAuth } from '../support/access/auth.ts';
import { createDocument, textOf } from '../support/documents/documents.ts';
import { startListening } from '../support/listening.ts';
import { serve } from '../support/network/file-server.ts';
import { browserPath, openOfflinePage } from '../support/pages/browser.ts';

const root = fileURLToPath(new URL('../../examples/editor', import.meta.url));
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
const files = new Map<string, string>();

beforeAll(async () => {
  const built = await build({ root, base: './', configFile: false, logLevel: 'error', build: { write: false } });
  if (!('output' in built)) throw new Error('There is not one build');
  for (const file of built.output) files.set(file.fileName, String('code' in file ? file.code : file.source));
});

/** The example's page on an origin of its own, as vite serves it. */
async function serveExample(): Promise<string> {
  const { url } = await serve(({ url: path = '/' }, response) => {
    const name = path === '/' ? 'index.html' : path.slice(1);
    response.setHeader('content-type', TYPES[extname(name)] ?? 'text/plain');
    response.end(files.get(name));
  });
  return new URL(url).origin;
}

async function openExample(origin: string, wsUrl: string, documentId: string, person: string) {
  const { page, failures } = await openOfflinePage();
  await page.goto(origin);
  const { authorization } = await bearer({ sub: 'ann', roles: ['LISTENER'] });
  await page.getByLabel('Server').fill(wsUrl);
  await page.getByLabel('Document').fill(documentId);
  await page.getByLabel('Token').fill(authorization.replace('Bearer ', ''));
  await page.getByLabel('Your name').fill(person);
  await page.getByRole('button', { name: 'Open' }).click();
  return { page, failures };
}

const typeAtEnd = async (page: Page, text: string): Promise<void> => {
  await page.getByRole('textbox', { name: 'Text', exact: true }).focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(text);
};

describe.skipIf(browserPath === null)('the example of an editor', () => {
  it('[DOCUMENT4] two people write in one text, see each other, and go on after a lost network', async () => {
    const origin = await serveExample();
    const server = await startListening({ config: { ...withAuth, corsOrigins: [origin] } });
    const place = { ...server, headers: await bearer({ sub: 'ann', roles: ['LISTENER'] }) };
    const id = await createDocument(place, 'Snow');
    const [one, two] = [
      await openExample(origin, server.wsUrl, id, 'One'),
      await openExample(origin, server.wsUrl, id, 'Two'),
    ];
    for (const { page } of [one, two]) await page.getByText('connected').waitFor();
    await typeAtEnd(one.page, ' falls');
    await expect.poll(() => textOf(place, id)).toBe('Snow falls');
    await expect.poll(() => two.page.locator('.cm-ySelectionInfo').textContent()).toBe('One');

    await two.page.context().setOffline(true);
    await typeAtEnd(two.page, ' slowly');
    await two.page.getByText('not saved yet').waitFor();
    await two.page.context().setOffline(false);
    await expect.poll(() => textOf(place, id)).toBe('Snow falls slowly');
    await two.page.getByText('connected', { exact: true }).waitFor();
    await expect.poll(() => one.page.locator('.cm-content').innerText()).toContain('slowly');

    const stranger = await openExample(
      origin,
      server.wsUrl,
      'RG9jdW1lbnQ6MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw',
      'Three',
    );
    await stranger.page.getByText('no such document').waitFor();
    expect([one.failures, two.failures]).toEqual([[], []]);
  });
});
