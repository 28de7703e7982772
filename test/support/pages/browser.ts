import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** Null where there is no browser. */
export const browserPath = places.find((path) => existsSync(path)) ?? null;

export interface OfflinePage {
  page: Page;
  /** Addresses off this machine that the page asked for, and was refused. */
  asked: string[];
  /** What went wrong in its scripts, or was kept from them. */
  failures: string[];
}

/** A page of a new browser without cache or network; ended with the test. */
export async function openOfflinePage(): Promise<OfflinePage> {
  const browser = await chromium.launch({ executablePath: browserPath ?? '', args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const [asked, failures]: [string[], string[]] = [[], []];
  page.on('pageerror', (error) => failures.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) failures.push(message.text());
  });
  await page.route('**/*', (route) => {
    const url = route.request().url();
    if (new URL(url).hostname === '127.0.0.1') return route.continue();
    asked.push(url);
    return route.abort();
  });
  return { page, asked, failures };
}
