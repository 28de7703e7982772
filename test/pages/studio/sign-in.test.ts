import { beforeAll, describe, expect, it } from 'vitest';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { startListening } from '../../support/listening.ts';
import { browserPath } from '../../support/pages/browser.ts';
import { builtStudio, expectForEverybody, openStudio } from '../../support/pages/studio.ts';

const tokenOf = async (claims: Record<string, unknown>) => (await bearer(claims)).authorization.replace('Bearer ', '');
const visitors = { secret: 'the secret of visitors is long enough to be one', hours: 1 };

beforeAll(builtStudio);

describe.skipIf(browserPath === null)('signing in to the Studio', () => {
  it('[STUDIO3] takes a token, by keyboard alone, and forgets it with the tab or when the server refuses it', async () => {
    const { url } = await startListening({ config: withAuth, visitors });
    const { page, asked, failures } = await openStudio(url);
    const title = page.getByRole('heading', { level: 1 });
    await page.getByText('Who is there?').waitFor();
    await expectForEverybody(page);

    await page.getByLabel('API key or token').focus();
    await page.keyboard.type('no token');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(/^The server has refused it: \S/);
    await page.getByLabel('API key or token').focus();
    await page.keyboard.type(await tokenOf({ sub: 'ann', name: 'Ann' }));
    await page.keyboard.press('Enter');
    await expect.poll(() => title.innerText()).toBe('What to hear next');
    await page.locator('summary').getByText('Ann').waitFor();
    await page.reload();
    await page.locator('summary').getByText('Ann').waitFor();
    expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, '']);

    const opened = page.waitForEvent('popup');
    await page.evaluate(() => void window.open(location.href, '_blank', 'noopener'));
    const other = await opened;
    await other.getByText('Who is there?').waitFor();
    await other.close();

    await page.locator('summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('Who is there?').waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('cadenza-studio-credential'))).toBeNull();

    await page.getByRole('button', { name: 'Look around as a visitor' }).click();
    await page.locator('summary').getByText('Visitor').waitFor();
    const expired = JSON.stringify({ token: `e30.${btoa('{"exp":1}')}.x`, listenerId: null });
    await page.evaluate((value) => sessionStorage.setItem('cadenza-studio-credential', value), expired);
    await page.reload();
    await page.getByRole('alert').getByText('expired').waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('cadenza-studio-credential'))).toBeNull();
    expect([asked, failures]).toEqual([[], []]);
  });
});
