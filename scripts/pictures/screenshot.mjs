// Makes the README's picture: `node scripts/pictures/screenshot.mjs URL [FILE]`, of a running server with the demo. Needs Chromium.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:4000', file = fileURLToPath(new URL('../../docs/graphiql.png', import.meta.url))] =
  process.argv.slice(2);

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  // A simulated listener of the demo, whose reasons are both of what was asked for and of what was liked.
  await page.setExtraHTTPHeaders({ 'x-listener-id': 'simulated-137' });
  await page.goto(`${url}/graphql`);
  // Room for the whole query.
  await page.getByRole('button', { name: 'Hide editor tools' }).click();
  await page.locator('.graphiql-execute-button:not([aria-haspopup])').click();
  await page.locator('.result-window').getByText('contribution').first().waitFor();
  // From the first recommendation on, without the scroll bars that this brings up and the editor's marks on Chinese commas.
  const distracting = '.monaco-scrollable-element > .scrollbar, .unicode-highlight';
  await page.addStyleTag({ content: `${distracting} { visibility: hidden }` });
  await page.locator('.result-window').hover();
  for (let notch = 0; notch < 4; notch++) await page.mouse.wheel(0, 300);
  await page.locator('.result-window').getByText('HistoryReason').first().waitFor();
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
