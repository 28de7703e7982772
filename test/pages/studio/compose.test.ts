import { beforeAll, describe, expect, it } from 'vitest';
import { dataOf } from '../../support/network/wire.ts';
import { browserPath } from '../../support/pages/browser.ts';
import { builtStudio, expectForEverybody, openStudio } from '../../support/pages/studio.ts';
import { dataFolder, startServer } from '../../support/server.ts';
import { writeTuneCatalogue } from '../../support/tunes/tune-model.ts';

interface Stored {
  draft: { text: string; tune: { bars: { abc: string }[]; duration: number } };
}

beforeAll(builtStudio);

describe.skipIf(browserPath === null)('the room Compose', () => {
  it('[STUDIO7] shows a tune grow, is heard, has bars rewritten by a click, and tells problems at their bar', async () => {
    const models = await writeTuneCatalogue(await dataFolder());
    const server = await startServer({ CADENZA_MODELS: models, CADENZA_FETCH_MODELS: 'auto' });
    await server.said(/^Tiny Tunes is ready$/);
    const { page, asked, failures } = await openStudio(server.url, '#/compose');
    await page.getByLabel('Dance').selectOption('JIG');
    await page.getByLabel('Key').selectOption('D');
    await page.getByRole('button', { name: 'Compose it' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('finished', { exact: true }).waitFor();
    // A title that is left empty is the example.
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('A walk by the river');
    await page.getByText(/^D (major|minor|dorian|mixolydian) · /).waitFor();
    const idOf = () => decodeURIComponent(new URL(page.url()).hash.split('/')[2]!);
    const stored = async () => {
      const query = `{ draft(id: "${idOf()}") { text tune { bars { abc } duration } } }`;
      return (await dataOf<Stored>(server, query)).draft;
    };
    const before = await stored();

    // The score is drawn, and each of its bars can be chosen where it is.
    const score = page.getByRole('region', { name: 'Score' });
    const bars = score.getByRole('button');
    await expect.poll(() => bars.count()).toBe(before.tune.bars.length);
    const width = () =>
      score.getByRole('img').evaluate((image) => (image instanceof HTMLImageElement ? image.naturalWidth : 0));
    await expect.poll(width).toBe(900);
    expect(await page.getByLabel('ABC').inputValue()).toBe(before.text);
    await expectForEverybody(page);

    // It is heard, and the cursor follows.
    await page.evaluate(() => {
      const audio = document.querySelector('audio')!;
      audio.muted = true;
      void audio.play();
    });
    await expect.poll(() => page.locator('rect.sounding').count()).toBe(1);
    expect(await page.evaluate(() => document.querySelector('audio')!.duration)).toBeGreaterThan(
      before.tune.duration - 1,
    );
    await page.evaluate(() => document.querySelector('audio')!.pause());

    // A problem is told at its bar.
    const abc = page.getByLabel('ABC');
    const barLine = before.text.lastIndexOf('|', before.text.lastIndexOf('|') - 3);
    await abc.fill(`${before.text.slice(0, barLine)} A A A A A A${before.text.slice(barLine)}`);
    await expect.poll(() => page.getByLabel('Problems').innerText()).toMatch(/^Bar \d+: /);
    await abc.fill(before.text);
    await expect.poll(() => page.getByLabel('Problems').innerText()).toBe('Every bar is exact.');

    // A bar is written anew, and every other stays.
    await bars.nth(2).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Bars chosen: 3').waitFor();
    const address = page.url();
    await page.getByRole('button', { name: 'Write these bars anew' }).click();
    await expect.poll(() => page.url()).not.toBe(address);
    await page.getByText('finished', { exact: true }).waitFor();
    const after = await stored();
    const others = ({ tune }: Stored['draft']) => tune.bars.filter((_, index) => index !== 2).map((bar) => bar.abc);
    expect(others(after)).toEqual(others(before));
    await page.getByRole('link', { name: 'All tunes' }).click();
    await expect.poll(() => page.getByRole('region', { name: 'Your tunes' }).getByRole('listitem').count()).toBe(2);
    expect([asked, failures]).toEqual([[], []]);
  });
});
