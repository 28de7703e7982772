import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataOf, writerReady } from '../../support/network/wire.ts';
import { browserPath } from '../../support/pages/browser.ts';
import { builtStudio, expectForEverybody, openStudio } from '../../support/pages/studio.ts';
import { dataFolder, startServer } from '../../support/server.ts';
import { writeTirelessCatalogue } from '../../support/tiny/tiny-engine.ts';

interface Stored {
  draft: { text: string; revision: number; ranges: { origin: string }[] };
}

const shown = (page: Page) => page.locator('p.text').textContent();
const view = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

beforeAll(builtStudio);

describe.skipIf(browserPath === null)('the room Write', () => {
  it('[STUDIO6] starts a text, goes on with it after a reload, saves what is typed, and shows what else a word could have been', async () => {
    const models = await writeTirelessCatalogue(await dataFolder());
    const server = await startServer({ CADENZA_MODELS: models, CADENZA_FETCH_MODELS: 'auto' });
    await writerReady(server);
    const { page, asked, failures } = await openStudio(server.url, '#/write');
    await page.getByLabel('Form').selectOption('FREE');
    await expectForEverybody(page);
    await page.getByRole('button', { name: 'Write it' }).focus();
    await page.keyboard.press('Enter');

    // A page that is loaded again has all of the text, and what comes after.
    await expect.poll(() => shown(page)).toMatch(/\S/);
    await page.reload();
    const status = page.getByText('finished', { exact: true });
    await status.waitFor();
    // What is left empty is the example.
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('the first snow on a harbour town');
    const id = decodeURIComponent(new URL(page.url()).hash.split('/')[2]!);
    const stored = () => dataOf<Stored>(server, `{ draft(id: "${id}") { text revision ranges { origin } } }`);
    await expect.poll(() => shown(page)).toBe((await stored()).draft.text);

    // The report stands beside it.
    await expect.poll(() => page.getByRole('region', { name: 'What is in it' }).innerText()).toMatch(/words\s+\d/);

    // What is typed is saved, and shown as typed.
    await view(page, 'Type');
    const field = page.getByRole('textbox', { name: 'Text', exact: true });
    await field.focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.type(' And mine 🎵.');
    await expect.poll(async () => (await stored()).draft.text).toMatch(/And mine 🎵\.$/);
    await expectForEverybody(page);
    await page.getByRole('button', { name: 'Write on' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('stopped', { exact: true }).waitFor();
    expect((await stored()).draft.ranges.map(({ origin }) => origin).slice(0, 2)).toEqual(['GENERATED', 'TYPED']);
    await view(page, 'Read');
    await expect.poll(() => page.locator('.isTyped').first().innerText()).toContain('And mine 🎵.');

    // What somebody else has changed is not overwritten.
    await view(page, 'Type');
    await page.route('**/graphql', async (route) => {
      if ((route.request().postDataJSON() as { operationName: string }).operationName === 'UpdateText') {
        await page.unroute('**/graphql');
        const { text, revision } = (await stored()).draft;
        await dataOf(
          server,
          `mutation { updateDraft(input: { draftId: "${id}", text: ${JSON.stringify(`${text} Theirs.`)}, ifRevision: ${revision} }) { __typename } }`,
        );
      }
      await route.continue();
    });
    await field.focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('Lost?');
    await page.getByText('Somebody else has changed it meanwhile.').waitFor();
    await page.getByRole('button', { name: 'Take theirs' }).click();
    await expect.poll(() => field.inputValue()).toMatch(/Theirs\.$/);

    // Probabilities on the words, and another version from what else it could have been.
    await view(page, 'Probabilities');
    const words = page.getByRole('toolbar', { name: 'Probabilities' }).getByRole('button');
    await words.first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => words.nth(2).getAttribute('aria-pressed')).toBe('true');
    await expectForEverybody(page);
    const before = page.url();
    await page
      .getByRole('button', { name: /^Go on from/ })
      .first()
      .click();
    await expect.poll(() => page.url()).not.toBe(before);
    await status.waitFor();
    await page.getByRole('link', { name: 'All texts' }).click();
    const mine = page.getByRole('region', { name: 'Your texts' });
    await expect.poll(() => mine.getByRole('listitem').count()).toBe(2);
    await mine
      .getByRole('button', { name: /^Delete/ })
      .first()
      .click();
    await expect.poll(() => mine.getByRole('listitem').count()).toBe(1);
    expect([asked, failures]).toEqual([[], []]);
  });
});
