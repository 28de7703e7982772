// Makes the pictures of docs/studio.md: `node scripts/studio-pictures.mjs URL`, of a running server with the demo. Needs Chromium.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:4000'] = process.argv.slice(2);
const fileOf = (name) => fileURLToPath(new URL(`../docs/studio-${name}.png`, import.meta.url));

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1240, height: 760 }, colorScheme: 'light' });
  // A simulated listener of the demo, whose reasons are what was heard.
  await page.goto(`${url}/studio`);
  await page.locator('summary').click();
  await page.getByRole('button', { name: 'Sign in as somebody else' }).click();
  await page.getByLabel(/Act for the listener/).fill('simulated-137');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: /Why “/ }).first().click();
  await page.getByRole('table').first().waitFor();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: fileOf('listen') });

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
} finally {
  await browser.close();
}
