import { describe, expect, it } from 'vitest';
import { startListening } from '../support/listening.ts';
import { browserPath, openOfflinePage } from '../support/pages/browser.ts';

describe.skipIf(browserPath === null)('the reference', () => {
  it('[SERVE13] works offline: what is typed is found, and keys lead to it', async () => {
    const { url } = await startListening();
    const { page, asked, failures } = await openOfflinePage();
    await page.goto(`${url}/docs`);
    const results = page.locator('#results a');
    await page.keyboard.press('/');
    await page.keyboard.type('updatedraft');
    await expect.poll(() => results.first().locator('code').innerText()).toBe('Mutation.updateDraft');
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toBe('#Mutation.updateDraft');
    await expect.poll(() => results.count()).toBe(0);
    expect(await page.locator('[id="Mutation.updateDraft"]').isVisible()).toBe(true);

    await page.keyboard.press('/');
    await page.keyboard.type('sampling seed');
    await expect.poll(() => results.first().locator('code').innerText()).toMatch(/^Sampling\w*\.seed$/);
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('document.activeElement.closest("#results") !== null')).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(() => results.count()).toBe(0);

    await page.locator('#search').fill('no such thing');
    await expect.poll(() => page.locator('#count').innerText()).toBe('0 entries');
    expect([asked, failures]).toEqual([[], []]);
    const sizes = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';
    for (const width of [1_300, 390]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate(sizes), `${width}`).toBe(true);
    }
  });
});
