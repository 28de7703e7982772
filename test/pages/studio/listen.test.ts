import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { browserPath } from '../../support/pages/browser.ts';
import { builtStudio, choose, expectForEverybody, openStudio } from '../../support/pages/studio.ts';
import { startServer } from '../../support/server.ts';

/** The numbers of a sum's table: its parts, and what it says they add up to. */
async function sums(page: Page): Promise<{ parts: number[]; total: number }> {
  const table = page.getByRole('table').first();
  const numbersOf = async (rows: string) =>
    (await table.locator(`${rows} td.number:not(.small)`).allInnerTexts()).map((text) =>
      Number(text.replace('−', '-')),
    );
  const [parts, [total = NaN]] = [await numbersOf('tbody'), await numbersOf('tfoot')];
  return { parts, total };
}

beforeAll(builtStudio);

describe.skipIf(browserPath === null)('the room Listen', () => {
  it('[STUDIO4] shows scores that add up, what would be without a reason, and what feedback and words change', async () => {
    const server = await startServer({ CADENZA_DEMO: 'auto' });
    const { page, asked, failures } = await openStudio(server.url, '#/listen');
    const rows = page.getByRole('listitem').getByRole('article');
    const titleOf = async (index: number) => (await rows.nth(index).getByRole('heading').innerText()).split('\n')[0]!;
    const why = (index: number) => rows.nth(index).getByRole('button', { name: /Why “/ });
    await rows.first().waitFor();
    expect(await rows.count()).toBe(20);

    // A like changes the list at once, and can be taken back.
    const liked = await titleOf(2);
    await rows.nth(2).getByRole('button', { name: 'Like' }).focus();
    await page.keyboard.press('Enter');
    const done = page.getByRole('status').filter({ hasText: `You like “${liked}”.` });
    await done.waitFor();
    await expect.poll(() => rows.getByRole('heading', { name: liked, exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: `Take back “${liked}”` }).waitFor();

    // The reason is told, and its parts add up.
    const told = rows.filter({ hasText: `You liked “${liked}”` });
    await expect.poll(() => rows.filter({ hasText: liked }).count()).toBeGreaterThan(0);
    const position = await rows.evaluateAll(
      (all, text) => all.findIndex((row) => row.textContent.includes(text)),
      liked,
    );
    await why(position).focus();
    await page.keyboard.press('Enter');
    await told.first().waitFor();
    const { parts, total } = await sums(page);
    expect(parts.length).toBeGreaterThan(2);
    expect(Math.abs(parts.reduce((sum, part) => sum + part, 0) - total)).toBeLessThan(1e-4 * parts.length);
    expect(await why(position).innerText()).toContain(total.toFixed(4));

    // Without the like, that row scores as the server says, and goes down.
    const name = await titleOf(position);
    const rank = (
      await told
        .first()
        .getByRole('row', { name: new RegExp(`You liked “`) })
        .innerText()
    ).match(/rank (\d+)/);
    expect(rank).not.toBeNull();
    await page
      .getByLabel('What if this had not been?')
      .selectOption({ label: await optionOf(page, `without “${liked}”`) });
    const score = async () =>
      Number((await rows.filter({ hasText: name }).locator('.score').first().innerText()).trim());
    await expect.poll(score).toBeLessThan(total);
    await page.getByLabel('What if this had not been?').selectOption('');
    await expect.poll(score).toBe(Number(total.toFixed(4)));

    // Why not: what is liked is not recommended.
    await page.getByLabel('Find a track').fill(liked);
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Why not this one?' }).getByRole('button', { name: liked }).first().click();
    const answer = page.getByRole('region', { name: 'Why not this one?' }).getByRole('status');
    await expect.poll(() => answer.innerText()).toMatch(/\S/);

    // Preferences in words are a reason in the list.
    await page.getByLabel('What do you like?').fill('jazz');
    await page.getByRole('button', { name: 'Tell it' }).click();
    await page.getByText('The list follows it now.').waitFor();
    await expect.poll(() => page.locator('.bars .preference').count()).toBeGreaterThan(0);

    await expectForEverybody(page);
    await choose(page, '中文');
    await page.getByRole('heading', { name: '接下来听什么' }).waitFor();
    await expect.poll(() => rows.first().innerText()).toMatch(/因为/);
    await page.getByRole('button', { name: `撤销《${liked}》` }).click();
    await expect.poll(() => page.getByRole('button', { name: `撤销《${liked}》` }).count()).toBe(0);
    expect([asked, failures]).toEqual([[], []]);
  });
});

async function optionOf(page: Page, text: string): Promise<string> {
  const labels = await page.getByLabel('What if this had not been?').getByRole('option').allInnerTexts();
  return labels.find((label) => label.startsWith(text)) ?? text;
}
