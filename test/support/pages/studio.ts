import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { openOfflinePage } from './browser.ts';

const builder = fileURLToPath(new URL('../../../scripts/studio.mjs', import.meta.url));

/** Builds the Studio if it is not built as its sources are now. */
export async function builtStudio(): Promise<void> {
  await promisify(execFile)(process.execPath, [builder]);
}

/** The Studio in a browser without network, at a place such as `#/listen`. */
export async function openStudio(url: string, place = '') {
  const offline = await openOfflinePage();
  await offline.page.goto(`${url}/studio${place}`);
  return offline;
}

/** What axe finds in the page as it is. */
async function accessibilityFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { run } = (window as unknown as { axe: { run: (root: Document) => Promise<AxeResults> } }).axe;
    const { violations } = await run(document);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
    );
  });
}

/** A room as it is now is for everybody: in both languages and themes, and on a small screen ([STUDIO5]). */
export async function expectForEverybody(page: Page): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const [language, theme] of [
    ['中文', 'dark'],
    ['English', 'light'],
  ] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await choose(page, language);
    await page.waitForFunction(
      (wanted) => document.documentElement.dataset.theme === wanted && document.getAnimations().length === 0,
      theme,
    );
    expect(await accessibilityFindings(page), `${language}, ${theme}`).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 800 });
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth))
    .toBe(true);
  await page.setViewportSize({ width: 1400, height: 900 });
}

/** Chooses a language, in the settings or where they are open. */
export async function choose(page: Page, language: string): Promise<void> {
  const button = page.getByRole('button', { name: language, exact: true });
  const settings = page.locator('details.account > summary');
  if (!(await button.isVisible())) await settings.click();
  await button.click();
  if (await settings.isVisible()) await settings.click();
}
