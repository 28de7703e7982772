import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type * as Y from 'yjs';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { stateOf } from '../../support/documents/assists.ts';
import { push, textOf, updateBy } from '../../support/documents/documents.ts';
import { startListening } from '../../support/listening.ts';
import { writerReady } from '../../support/network/wire.ts';
import { browserPath } from '../../support/pages/browser.ts';
import { builtStudio, choose, expectForEverybody, openStudio } from '../../support/pages/studio.ts';
import { dataFolder, startServer } from '../../support/server.ts';
import { writeTirelessCatalogue } from '../../support/tiny/tiny-engine.ts';

const editor = (page: Page) => page.getByRole('textbox', { name: 'Text of the document' });
const named = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

/** The text that is seen, without others' names and what is only proposed. */
const shown = (page: Page): Promise<string> =>
  editor(page).evaluate((content) => {
    const copy = content.cloneNode(true) as HTMLElement;
    copy.querySelectorAll('.person, .proposal').forEach((element) => element.remove());
    return [...copy.querySelectorAll('.cm-line')].map((line) => line.textContent).join('\n');
  });

/** The Studio of somebody who has signed in, at a place. */
async function openAs(url: string, name: string, place: string) {
  const headers = await bearer({ sub: name.toLowerCase(), name, roles: ['LISTENER'] });
  const opened = await openStudio(url);
  await opened.page.getByLabel('API key or token').fill(headers.authorization.replace('Bearer ', ''));
  await named(opened.page, 'Sign in').click();
  await opened.page.locator('summary').getByText(name).waitFor();
  await opened.page.goto(`${url}/studio${place}`);
  return { ...opened, headers };
}

/** Ann has written a text, and Bob has come by her link. */
async function together(text: string, role: string) {
  const { url, graphqlUrl } = await startListening({ config: withAuth });
  const ann = await openAs(url, 'Ann', '#/write');
  await createDocument(ann.page, text);
  const id = decodeURIComponent(new URL(ann.page.url()).hash.split('/')[3]!);
  const link = await makeLink(ann.page, role);
  const bob = await openAs(url, 'Bob', new URL(link).hash);
  await expect.poll(() => shown(bob.page)).toBe(text);
  const place = { graphqlUrl, headers: ann.headers };
  const change = async (act: (text: Y.Text) => void) => {
    const doc = await stateOf(place, id);
    doc.clientID = 9;
    await push(place, id, [updateBy(doc, act)]);
  };
  return { ann, bob, stored: () => textOf(place, id), edit: change };
}

async function createDocument(page: Page, text: string): Promise<void> {
  await page.getByLabel('Title of a new document').fill('Harbour');
  await named(page, 'Create').focus();
  await page.keyboard.press('Enter');
  await editor(page).focus();
  await page.keyboard.type(text);
  await page.getByText('Saved', { exact: true }).waitFor();
}

async function makeLink(page: Page, role: string): Promise<string> {
  await page.getByLabel('Whoever has the link').selectOption(role);
  await named(page, 'Make a link').click();
  return page.getByLabel(/^Link, valid until/).inputValue();
}

/** Puts the cursor at the end of the text, and selects so many characters before it. */
async function selectLast(page: Page, count: number): Promise<void> {
  await editor(page).focus();
  await page.keyboard.press('Control+End');
  for (let i = 0; i < count; i++) await page.keyboard.press('Shift+ArrowLeft');
}

beforeAll(builtStudio);

describe.skipIf(browserPath === null)('documents in the room Write', () => {
  it('[STUDIO9] two people write in one text and see each other; what is suggested is marked, and accepted or rejected by keyboard', async () => {
    const { ann, bob, stored } = await together('The first snow falls.', 'SUGGESTER');
    expect(bob.page.url()).not.toContain('join');
    await ann.page.getByRole('list', { name: 'Who is here' }).getByText('Bob').waitFor();

    // A suggester changes nothing, and suggests.
    await selectLast(bob.page, 6);
    await bob.page.keyboard.type('x');
    await selectLast(bob.page, 6);
    await named(bob.page, 'Suggest a change of the selection').click();
    await bob.page.getByLabel(/^What should be there/).fill('drifts down.');
    await named(bob.page, 'Suggest it').click();
    const suggestions = region(ann.page, 'Suggestions');
    await suggestions.getByText('drifts down.').waitFor();
    await suggestions.getByText('Bob').waitFor();
    await expect.poll(() => editor(ann.page).locator('.name').innerText()).toBe('Bob');
    expect(await editor(ann.page).locator('.suggested').innerText()).toBe('falls.');
    expect(await stored()).toBe('The first snow falls.');
    await expectForEverybody(ann.page);
    await expectForEverybody(bob.page);

    await editor(ann.page).focus();
    await ann.page.keyboard.press('F8');
    await expect.poll(() => editor(ann.page).locator('.proposal').innerText()).toBe('drifts down.');
    await ann.page.keyboard.press('Alt+Enter');
    for (const { page } of [ann, bob]) {
      await expect.poll(() => shown(page)).toBe('The first snow drifts down.');
      await region(page, 'Suggestions').getByText('Nothing is suggested.').waitFor();
    }

    // One that is rejected leaves the text as it is.
    await selectLast(bob.page, 5);
    await named(bob.page, 'Suggest a change of the selection').click();
    await bob.page.getByLabel(/^What should be there/).fill('away.');
    await named(bob.page, 'Suggest it').click();
    await named(ann.page, 'Reject').click();
    await region(bob.page, 'Suggestions').getByText('Nothing is suggested.').waitFor();
    expect(await stored()).toBe('The first snow drifts down.');
    expect([ann.asked, ann.failures, bob.asked, bob.failures]).toEqual([[], [], [], []]);
  });

  it('[STUDIO9] what is typed without a network is kept, told, and sent when it is back', async () => {
    const { ann, bob, stored } = await together('Snow', 'EDITOR');
    await bob.page.context().setOffline(true);
    await selectLast(bob.page, 0);
    await bob.page.keyboard.type(' on the quay');
    await bob.page.getByText(/^No connection\. What you write is kept/).waitFor();
    await editor(ann.page).focus();
    await ann.page.keyboard.press('Control+Home');
    await ann.page.keyboard.type('First: ');
    await expect.poll(() => stored()).toBe('First: Snow');
    expect(await shown(bob.page)).toBe('Snow on the quay');

    await bob.page.context().setOffline(false);
    for (const { page } of [ann, bob]) await expect.poll(() => shown(page)).toBe('First: Snow on the quay');
    await bob.page.getByText('Saved', { exact: true }).waitFor();
    expect(await stored()).toBe('First: Snow on the quay');

    // An undo takes back what was typed here, and nothing of others.
    await editor(bob.page).focus();
    await bob.page.keyboard.press('Control+z');
    await expect.poll(() => shown(ann.page)).toBe('First: Snow');
  });

  it('[STUDIO9] what is typed is sent though its writer goes to another page at once, also once there is a network again', async () => {
    const { ann, bob, stored } = await together('Snow', 'EDITOR');
    const away = (page: Page) => page.evaluate(() => (location.hash = '#/listen'));
    await selectLast(ann.page, 0);
    await ann.page.keyboard.type(' falls');
    await away(ann.page);
    await expect.poll(stored).toBe('Snow falls');
    await expect.poll(() => shown(bob.page)).toBe('Snow falls');
    await bob.page.context().setOffline(true);
    await selectLast(bob.page, 0);
    await bob.page.keyboard.type(' again');
    await away(bob.page);
    await expect.poll(() => editor(bob.page).count()).toBe(0);
    await bob.page.context().setOffline(false);
    await expect.poll(stored).toBe('Snow falls again');
  });

  it('[STUDIO9] a suggestion is for the passage that was chosen, though others type before it meanwhile', async () => {
    const { ann, bob, edit } = await together('The snow falls.', 'SUGGESTER');
    await selectLast(bob.page, 6);
    await named(bob.page, 'Suggest a change of the selection').click();
    await bob.page.getByLabel(/^What should be there/).fill('drifts.');
    await edit((text) => text.insert(0, 'Tonight: '));
    await expect.poll(() => shown(bob.page)).toBe('Tonight: The snow falls.');
    await named(bob.page, 'Suggest it').click();
    await named(ann.page, 'Accept').click();
    await expect.poll(() => shown(bob.page)).toBe('Tonight: The snow drifts.');
  });

  it('[STUDIO9] [ASSIST7] a model suggests three texts for whoever may suggest, with probabilities, and one is accepted', async () => {
    const { ann, bob, stored } = await together('The snow falls.', 'SUGGESTER');
    await selectLast(bob.page, 6);
    await named(bob.page, 'Suggest three texts for the selection').click();
    const suggestions = region(ann.page, 'Suggestions');
    await suggestions.getByText('The model, asked by Bob').waitFor();
    expect(await suggestions.getByText('each part about 61% likely').count()).toBe(3);
    expect(await stored()).toBe('The snow falls.');
    await region(bob.page, 'Let the model write').getByText('· suggested').waitFor();
    expect(await named(bob.page, 'Write on at the cursor').count()).toBe(0);
    await expectForEverybody(ann.page);
    await suggestions
      .getByRole('button', { name: /^Accept/ })
      .nth(1)
      .click();
    await suggestions.getByText('Nothing is suggested.').waitFor();
    await expect.poll(() => shown(bob.page)).not.toBe('The snow falls.');
    expect(await stored()).toMatch(/^The snow (?!falls)/);
    expect([ann.failures, bob.failures]).toEqual([[], []]);
  });

  it('[STUDIO11] a document is renamed, kept under a name and made what it was, by keyboard, and a reader sees its versions', async () => {
    const { ann, bob, stored, edit } = await together('Snow', 'READER');
    await named(ann.page, 'Rename').focus();
    await ann.page.keyboard.press('Enter');
    await ann.page.getByLabel('Title of the document').fill('Winter harbour');
    await ann.page.keyboard.press('Enter');
    await ann.page.getByRole('heading', { name: 'Winter harbour' }).waitFor();

    await ann.page.getByLabel('Name of a version').fill('First');
    await ann.page.keyboard.press('Enter');
    const versions = region(ann.page, 'Versions');
    const back = versions.getByRole('button', { name: 'Go back to it: First' });
    await back.waitFor();
    await edit((text) => text.insert(4, ' and rain'));
    await expect.poll(() => shown(ann.page)).toBe('Snow and rain');
    await back.focus();
    await ann.page.keyboard.press('Enter');
    await versions.getByRole('status').getByText('The text is what it was in “First”.').waitFor();
    for (const { page } of [ann, bob]) await expect.poll(() => shown(page)).toBe('Snow');
    expect(await stored()).toBe('Snow');
    await expectForEverybody(ann.page);

    await bob.page.reload();
    await bob.page.getByRole('heading', { name: 'Winter harbour' }).waitFor();
    await region(bob.page, 'Versions').getByText('First').waitFor();
    expect(await region(bob.page, 'Versions').getByRole('button').count()).toBe(0);
    expect(await named(bob.page, 'Rename').count()).toBe(0);
    await choose(ann.page, '中文');
    await ann.page.getByRole('button', { name: '回到此版本: First' }).waitFor();
    expect([ann.failures, bob.failures]).toEqual([[], []]);
  });

  it('[STUDIO10] the report stands beside the text, and what it proposes is put in or suggested', async () => {
    const { ann, bob, stored } = await together('🎵 The the snow falls.', 'SUGGESTER');
    const report = region(ann.page, 'What is in it');
    await expect.poll(() => report.innerText()).toMatch(/words\s+4/);
    const fix = /^(?:Write “|Leave it out)/;
    await region(bob.page, 'What is in it').getByRole('button', { name: fix }).first().click();
    await region(ann.page, 'Suggestions').getByText('Bob').waitFor();
    expect(await stored()).toBe('🎵 The the snow falls.');
    await named(ann.page, 'Accept').click();
    await expect.poll(stored).toBe('🎵 The snow falls.');
    await expect.poll(() => shown(bob.page)).toBe('🎵 The snow falls.');
    expect([ann.failures, bob.failures]).toEqual([[], []]);
  });

  it('[STUDIO9] a text with things that are no characters is not edited as if it had none', async () => {
    const { ann, stored, edit } = await together('Snow', 'EDITOR');
    await edit((text) => text.insertEmbed(2, { image: 'x' }));
    await ann.page.getByText(/^It has things in it that are no characters/).waitFor();
    await expect.poll(() => editor(ann.page).count()).toBe(0);
    await ann.page.reload();
    await ann.page.getByText(/^It has things in it that are no characters/).waitFor();
    expect([await stored(), ann.failures]).toEqual(['Snow', []]);
  });

  it('[STUDIO9] a model writes at the cursor while somebody types, and what it did is taken back', async () => {
    const models = await writeTirelessCatalogue(await dataFolder());
    const server = await startServer({ CADENZA_MODELS: models, CADENZA_FETCH_MODELS: 'auto' });
    await writerReady(server);
    const { page, failures } = await openStudio(server.url, '#/write');
    await createDocument(page, 'Snow. And the end.');
    await page.keyboard.press('Control+Home');
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    await named(page, 'Write on at the cursor').click();
    await selectLast(page, 0);
    await page.keyboard.type(' Mine.');
    const model = region(page, 'Let the model write');
    await model.getByText('· written', { exact: true }).waitFor();
    await expect.poll(() => shown(page)).toMatch(/^Snow\.[^]+ And the end\. Mine\.$/);
    await expectForEverybody(page);
    await named(page, 'Take it back').click();
    await expect.poll(() => shown(page)).toBe('Snow. And the end. Mine.');
    await model.getByText('taken back').waitFor();
    expect(failures).toEqual([]);
  });
});
