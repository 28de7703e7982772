import { beforeAll, describe, expect, it } from 'vitest';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { browserPath } from '../../support/pages/browser.ts';
import { builtStudio, expectForEverybody, openStudio } from '../../support/pages/studio.ts';
import { startServer } from '../../support/server.ts';

const tokenOf = async (claims: Record<string, unknown>) => (await bearer(claims)).authorization.replace('Bearer ', '');

beforeAll(builtStudio);

describe.skipIf(browserPath === null)('the rooms Understand and Operate', () => {
  it('[STUDIO8] show what came of the lists and run the server, for those who may', async () => {
    const server = await startServer({ CADENZA_DEMO: 'auto', CADENZA_JWT_SECRET: withAuth.auth.secret });
    const { page, asked, failures } = await openStudio(server.url, '#/listen');
    const signIn = async (token: string) => {
      await page.getByLabel('API key or token').fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    const signOut = async () => {
      await page.locator('summary').click();
      await page.getByRole('button', { name: 'Sign out' }).click();
    };

    // A listener's list is what analysts see; a listener sees neither that nor the keys.
    await signIn(await tokenOf({ sub: 'ann' }));
    await page.getByRole('listitem').getByRole('article').first().waitFor();
    await page.getByRole('link', { name: 'Understand' }).click();
    await page.getByText('This room needs a key or token with the role ANALYST.').waitFor();
    await page.getByRole('link', { name: 'Operate' }).click();
    await page.getByText('This room needs a key or token with the role ADMIN.').first().waitFor();

    await signOut();
    await signIn(await tokenOf({ sub: 'root', roles: ['ADMIN', 'ANALYST'] }));
    const keys = page.getByRole('region', { name: 'API keys' });
    await keys.getByLabel('What is it for?').fill('nightly import');
    await keys.getByLabel('Whose is it?').fill('importer');
    await keys.getByLabel('Role').selectOption('SERVICE');
    await keys.getByRole('button', { name: 'Create a key' }).focus();
    await page.keyboard.press('Enter');
    const secret = await keys.locator('.secret code').innerText();
    const viewer = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify({ query: '{ viewer { externalId } }' }),
    });
    expect(await viewer.json()).toMatchObject({ data: { viewer: { externalId: 'importer' } } });
    await expectForEverybody(page);
    await keys.getByRole('button', { name: 'Revoke: nightly import' }).click();
    await keys.getByText('revoked', { exact: true }).waitFor();
    const log = page.getByRole('region', { name: 'Who did what' });
    await expect
      .poll(() => log.getByRole('row').allInnerTexts())
      .toEqual(
        expect.arrayContaining([expect.stringContaining('revokeApiKey'), expect.stringContaining('createApiKey')]),
      );
    await expect.poll(() => page.getByText('serves', { exact: true }).count()).toBe(1);

    await page.getByRole('link', { name: 'Understand' }).click();
    const reasons = page.getByRole('region', { name: 'By main reason' });
    await reasons.getByRole('row', { name: /What others hear.*[1-9]/ }).waitFor();
    const query = new URL((await reasons.getByRole('link').getAttribute('href'))!, page.url());
    expect([query.pathname, query.searchParams.get('query')]).toEqual([
      '/graphql',
      expect.stringContaining('byReasonKind'),
    ]);
    await expectForEverybody(page);
    expect([asked, failures]).toEqual([[], []]);
  });
});
