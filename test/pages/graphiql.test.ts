import { readFileSync } from 'node:fs';
import { Kind, parse } from 'graphql';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { writerReady } from '../support/network/wire.ts';
import { browserPath, openOfflinePage } from '../support/pages/browser.ts';
import { dataFolder, startServer } from '../support/server.ts';
import { writeTirelessCatalogue } from '../support/tiny/tiny-engine.ts';
import { withTuneModel } from '../support/tunes/tune-model.ts';

const TABS = [
  ...([
    'Recommend',
    'Begin',
    'Radio',
    'React',
    'Write',
    'Follow',
    'Text',
    'Report',
    'Compose',
    'CreateDocument',
  ] as const),
  'Analyse',
] as const;
/** Tabs of the newest draft, or of a document. */
const OF_A_DRAFT: readonly Tab[] = ['Follow', 'Text', 'CreateDocument'];
type Tab = (typeof TABS)[number];

interface Result {
  data?: Record<string, unknown>;
  errors?: unknown[];
}

/** The names of the operations that a tab's file holds. */
function operationsOf(tab: Tab): string[] {
  const name = tab === 'Text' ? 'edit' : tab.toLowerCase();
  const file = new URL(`../../assets/graphiql/${name}.graphql`, import.meta.url);
  const { definitions } = parse(readFileSync(file, 'utf8'));
  return definitions.flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? [one.name?.value ?? ''] : []));
}

const tabs = (page: Page) => page.locator('.graphiql-tab-button');

/** By its place: a tab takes the name of the operation that was run in it. */
const openTab = (page: Page, name: Tab) => tabs(page).nth(TABS.indexOf(name)).click();

/** Runs what the open tab holds, as a person does: the button, and the operation's name where there are several. */
async function press(page: Page, operation: string, several: boolean): Promise<void> {
  // The button has a menu, or has none any more, as soon as GraphiQL has read the tab's document.
  const menu = '[aria-haspopup="menu"]';
  const button = page.locator(`.graphiql-execute-button${several ? menu : `:not(${menu})`}`);
  const item = page.getByRole('menuitem', { name: operation, exact: true });
  await button.click();
  if (!several) return;
  // On a busy machine the page may be drawn again under the open menu, which closes it.
  await item.waitFor({ timeout: 3_000 }).catch(() => button.click());
  await item.click();
}

async function run(page: Page, operation: string, several = false): Promise<Result> {
  const isIt = (posted: unknown) => (posted as { operationName?: string } | null)?.operationName === operation;
  const pressed = async (timeout: number) => {
    const answered = page.waitForResponse((response) => isIt(response.request().postDataJSON()), { timeout });
    const [response] = await Promise.all([answered, press(page, operation, several)]);
    return (await response.json()) as Result;
  };
  // GraphiQL runs the tab before this one if it has not read this one yet.
  return pressed(5_000).catch(() => pressed(30_000));
}

/** The part of the answer that is on the screen. */
async function shown(page: Page): Promise<string> {
  return (await page.locator('.result-window .view-lines').innerText()).replaceAll('\u00a0', ' ');
}

async function setVariables(page: Page, variables: object): Promise<void> {
  await page.locator('.graphiql-editor-tool .view-lines').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  // Key by key: the editor closes brackets and quotes by itself, and one typed over its own is no second one.
  await page.keyboard.type(JSON.stringify(variables));
}

async function open(env: NodeJS.ProcessEnv) {
  const server = await startServer(env);
  const offline = await openOfflinePage();
  await offline.page.goto(server.url);
  await tabs(offline.page).first().waitFor();
  return { server, ...offline };
}

describe.skipIf(browserPath === null)('GraphiQL', () => {
  it('[SERVE1] works offline, and every worked example runs', async () => {
    const models = await withTuneModel(await writeTirelessCatalogue(await dataFolder()));
    const env = { CADENZA_DEMO: 'auto', CADENZA_MODELS: models, CADENZA_FETCH_MODELS: 'auto' };
    const { server, page, asked, failures } = await open(env);
    await writerReady(server);
    await server.said(/^Tiny Tunes is ready$/);
    expect(await page.title()).toBe('Cadenza');
    expect(await tabs(page).allTextContents()).toEqual([...TABS]);

    const recommended = await run(page, 'Recommend');
    const { nodes } = recommended.data!.recommendations as {
      nodes: { track: { title: string }; explanation: { reasons: { summary: string }[] } }[];
    };
    expect(nodes).toHaveLength(5);
    for (const { explanation } of nodes) expect(explanation.reasons.length).toBeGreaterThan(0);
    await expect.poll(() => shown(page)).toContain('"reasons"');

    const seen: string[] = [];
    for (const tab of TABS.filter((name) => !OF_A_DRAFT.includes(name))) {
      await openTab(page, tab);
      const operations = operationsOf(tab);
      // Translate would fetch a model; that it is valid is a test of the contract.
      for (const operation of operations.filter((name) => name !== 'Live' && name !== 'Translate')) {
        const { data, errors } = await run(page, operation, operations.length > 1);
        expect(errors, operation).toBeUndefined();
        for (const value of Object.values(data ?? {})) {
          expect((value as { __typename?: string }).__typename ?? 'Success', operation).toMatch(/Success$/);
        }
        seen.push(operation);
      }
    }
    expect(seen).toEqual([
      'Recommend',
      'Begin',
      'Radio',
      'React',
      'Heart',
      'Prefer',
      'Write',
      'Verse',
      'Models',
      'MyDrafts',
      'Report',
      'Compose',
      'NewestTune',
      'FitWords',
      'CheckTune',
      'Analyse',
    ]);

    await openTab(page, 'React');
    await press(page, 'Live', true);
    await expect.poll(() => shown(page)).toMatch(/"rank": 1\b/);

    // The newest draft is to be one that ends: the words for a tune do not, since the model has no end token.
    await openTab(page, 'Compose');
    await run(page, 'Compose', true);
    await openTab(page, 'Follow');
    await press(page, 'Follow', false);
    await expect.poll(() => shown(page)).toMatch(/"text": "[^"]|"COMPLETED"/);

    await openTab(page, 'CreateDocument');
    const made = (await run(page, 'CreateDocument', true)).data as { createDocument: { document: { id: string } } };
    await setVariables(page, { documentId: made.createDocument.document.id });
    expect((await run(page, 'Share', true)).data).toMatchObject({
      shareDocument: { __typename: 'ShareDocumentSuccess' },
    });
    expect((await run(page, 'Read', true)).data).toMatchObject({ document: { html: '<p>The first snow</p>' } });

    await openTab(page, 'Text');
    let draft = { id: '', status: '', revision: 0, text: '' };
    while (draft.status !== 'COMPLETED') {
      const { viewer } = (await run(page, 'Text', true)).data as { viewer: { drafts: { nodes: [typeof draft] } } };
      draft = viewer.drafts.nodes[0];
    }
    const text = `${draft.text} And mine.`;
    await setVariables(page, { text });
    expect((await run(page, 'Edit', true)).data).toMatchObject({ updateDraft: { draft: { text } } });
    // The newest text is a tune, which has no passages.
    for (const operation of ['Rewrite', 'Apply'])
      expect((await run(page, operation, true)).errors, operation).toBeUndefined();
    expect((await run(page, 'Continue', true)).data).toMatchObject({
      continueDraft: { __typename: 'ContinueDraftSuccess' },
    });

    await page.getByText('Schema reference').click();
    expect(await page.title()).toBe('Cadenza: schema reference');
    expect(asked).toEqual([]);
    expect(failures).toEqual([]);
  });

  it.each([
    [1300, 800],
    [900, 500],
  ])(
    '[SERVE1] fills a window of %i × %i pixels, which scrolls neither by itself nor while examples run',
    async (width, height) => {
      const { page } = await open({ CADENZA_DEMO: 'auto' });
      await page.setViewportSize({ width, height });
      const size = () =>
        page.evaluate(() => {
          const { scrollWidth, scrollHeight } = document.documentElement;
          return [scrollWidth, scrollHeight];
        });
      await run(page, 'Recommend');
      await expect.poll(() => shown(page)).toContain('"requestId"');
      expect(await size()).toEqual([width, height]);
      for (const name of ['Studio', 'Schema reference'])
        expect(
          await page.getByRole('link', { name }).evaluate((link) => link.getBoundingClientRect().bottom),
        ).toBeLessThanOrEqual(height);
    },
  );

  it('[SERVE1] says what to do if the catalogue is empty', async () => {
    const { page } = await open({});
    const { data, errors } = await run(page, 'Recommend');
    expect(errors).toBeUndefined();
    expect(data!.recommendations).toMatchObject({ nodes: [] });
    await openTab(page, 'React');
    const refused = await run(page, 'React', true);
    expect(refused.errors ?? refused.data!.recordFeedback).toMatchObject({ message: expect.any(String) as string });
  });
});
