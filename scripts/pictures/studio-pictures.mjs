// Makes the pictures of docs/studio.md: `node scripts/pictures/studio-pictures.mjs URL [listen] [compose] [document]`, of a running server with the
// demo and without authentication. Needs Chromium.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:4000', ...wanted] = process.argv.slice(2);
const fileOf = (name) => fileURLToPath(new URL(`../../docs/studio-${name}.png`, import.meta.url));

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

const open = (viewport = { width: 1240, height: 760 }) => browser.newPage({ viewport, colorScheme: 'light' });

/** A simulated listener of the demo, whose reasons are what was heard. */
async function openAsListener(listenerId, place = '') {
  const page = await open();
  await page.goto(`${url}/studio`);
  await page.locator('summary').click();
  await page.getByRole('button', { name: 'Sign in as somebody else' }).click();
  await page.getByLabel(/Act for the listener/).fill(listenerId);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('summary').getByText(listenerId).waitFor();
  await page.goto(`${url}/studio${place}`);
  return page;
}

async function listen() {
  const page = await openAsListener('simulated-137');
  await page.getByRole('button', { name: /Why “/ }).first().click();
  await page.getByRole('table').first().waitFor();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: fileOf('listen') });
}

async function compose() {
  const page = await open();
  await page.goto(`${url}/studio#/compose`);
  await page.getByLabel('Title').fill('A walk by the river');
  await page.getByLabel('Dance').selectOption('JIG');
  await page.getByRole('button', { name: 'Compose it' }).click();
  await page.getByText('finished', { exact: true }).waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Bar 4', exact: true }).click();
  await page.locator('audio').evaluate((audio) => {
    audio.muted = true;
    return audio.play();
  });
  await page.locator('.now').waitFor();
  await page.screenshot({ path: fileOf('compose') });
}

const TEXT = `The first snow falls on the quay,
and every mast is drawn in white.
A lantern swings above the lee
and counts the hours of the night.`;

const textOf = (page) => page.getByRole('textbox', { name: 'Text of the document' });

/** Selects some words of the text's first line. */
async function select(page, words) {
  await textOf(page).focus();
  await page.keyboard.press('Control+Home');
  for (let i = 0; i < TEXT.indexOf(words); i++) await page.keyboard.press('ArrowRight');
  for (let i = 0; i < words.length; i++) await page.keyboard.press('Shift+ArrowRight');
}

/** Somebody has suggested a change, and the owner is about to accept it. */
async function document() {
  const page = await open({ width: 1240, height: 700 });
  await page.goto(`${url}/studio#/write`);
  await page.getByLabel('Title of a new document').fill('Harbour');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await textOf(page).focus();
  await page.keyboard.type(TEXT);
  await page.getByRole('button', { name: 'Make a link' }).click();
  const link = await page.getByLabel(/^Link, valid until/).inputValue();

  const other = await openAsListener('simulated-137', new URL(link).hash);
  await other.getByText('lantern').waitFor();
  await select(other, 'falls on');
  await other.getByRole('button', { name: 'Suggest a change of the selection' }).click();
  await other.getByLabel(/^What should be there/).fill('drifts across');
  await other.getByRole('button', { name: 'Suggest it' }).click();
  await select(other, 'and every');

  await page.getByRole('region', { name: 'Suggestions' }).getByText('simulated-137').waitFor();
  await page.getByRole('button', { name: 'Accept' }).focus();
  await textOf(page).locator('.proposal').waitFor();
  // Where the other is comes a moment after what they did.
  await textOf(page)
    .locator('.chosen', { hasText: /^and every$/ })
    .waitFor();
  await page.screenshot({ path: fileOf('document') });
}

const PICTURES = { listen, compose, document };
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(PICTURES)) await PICTURES[name]();
} finally {
  await browser.close();
}
