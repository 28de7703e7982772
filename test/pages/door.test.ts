import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startListening } from '../support/listening.ts';
import { browserPath, openOfflinePage } from '../support/pages/browser.ts';

/** All that a page is told. */
const FAILED = 'TypeError: Failed to fetch';

/** A page of another origin, on this machine too, as another site's would be. */
async function servePage(html: string): Promise<string> {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(browserPath === null)('GraphiQL in a browser', () => {
  it('[HTTP3] runs only scripts of this server, and its documentation and workers load', async () => {
    const { graphqlUrl } = await startListening();
    const { page, asked, failures } = await openOfflinePage();
    await page.goto(graphqlUrl);
    await page.getByLabel('Show Documentation Explorer').click();
    const documentation = page.locator('.graphiql-plugin');
    await documentation.getByText('Query', { exact: true }).first().click();
    await documentation.getByText('recommendations', { exact: true }).waitFor();
    const workers = page.workers().map((worker) => new URL(worker.url()));
    expect(workers.length).toBeGreaterThan(0);
    for (const { href } of workers) expect(href.startsWith(`${graphqlUrl}/`), href).toBe(true);
    expect([asked, failures]).toEqual([[], []]);
    const inline = page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken over"';
      document.body.append(script);
      return document.title;
    });
    expect(await inline).toBe('Cadenza');
    expect(failures).toHaveLength(1);
  });

  it('[HTTP3] is not shown in the frame of another page', async () => {
    const { graphqlUrl } = await startListening();
    const foreign = await servePage(`<iframe src="${graphqlUrl}?query=mutation{__typename}"></iframe>`);
    const { page, failures } = await openOfflinePage();
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().startsWith(graphqlUrl)),
      page.goto(foreign),
    ]);
    expect(answer.status()).toBe(403);
    await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
    expect(failures.join()).toContain('frame-ancestors');
  });

  it('[HTTP4] nothing that another page sends is executed, unless its origin is configured', async () => {
    const page = await openOfflinePage();
    const foreign = await servePage('<title>Elsewhere</title>');
    const send = (url: string) =>
      page.page.evaluate(async (address) => {
        const image = new Image();
        const failed = new Promise((resolve) => (image.onerror = resolve));
        image.src = `${address}?query={__typename}`;
        await failed;
        const json = { 'content-type': 'application/json' };
        const body = JSON.stringify({ query: '{ __typename }' });
        const read = await fetch(address, { method: 'POST', headers: json, body }).then(
          (answer) => answer.text(),
          (error: unknown) => String(error),
        );
        const wrong = await fetch(address, { method: 'POST', body }).then(
          (answer) => answer.status,
          (error: unknown) => String(error),
        );
        return { read, wrong };
      }, url);
    await page.page.goto(foreign);
    const statuses: number[] = [];
    const write = (line: string): void => void statuses.push((JSON.parse(line) as { status: number }).status);
    const closed = await startListening({ log: pino({ level: 'info' }, { write }) });
    expect(await send(closed.graphqlUrl)).toEqual({ read: FAILED, wrong: FAILED });
    await closed.close('the log is complete', 1_000);
    // The image, what asks leave for JSON, and what needs none.
    expect(statuses).toEqual([403, 403, 403]);
    const open = await startListening({ config: { corsOrigins: [foreign] } });
    const answered = await send(open.graphqlUrl);
    expect(answered.wrong).toBe(415);
    expect(JSON.parse(answered.read)).toMatchObject({ data: { __typename: 'Query' } });
  });
});
