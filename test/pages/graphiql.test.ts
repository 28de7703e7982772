import { readFileSync } from 'node:fs';
import { Kind, parse } from 'graphql';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { browserPath, openOfflinePage } from '../support/browser.ts';
import { dataFolder, startServer } from '../support/server.ts';
import { writeTirelessCatalogue } from '../support/tiny-engine.ts';
import { withTuneModel } from '../support/tune-model.ts';
import { writerReady } from '../support/wire.ts';

const TABS = ['Recommend', 'Begin', 'React', 'Write', 'Follow', 'Text', 'Compose', 'Analyse'] as const;
/** Tabs whose variables name a draft. */
const OF_A_DRAFT: readonly Tab[] = ['Follow', 'Text'];
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
  await page.locator(`.graphiql-execute-button${several ? menu : `:not(${menu})`}`).click();
  if (several) await page.getByRole('menuitem', { name: operation, exact: true }).click();
}

async function run(page: Page, operation: string, several = false): Promise<Result> {
  const isIt = (posted: unknown) => (posted as { operationName?: string } | null)?.operationName === operation;
  const answered = page.waitForResponse((response) => isIt(response.request().postDataJSON()));
  const [response] = await Promise.all([answered, press(page, operation, several)]);
  return (await response.json()) as Result;
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
    let draftId = '';
    for (const tab of TABS.filter((name) => !OF_A_DRAFT.includes(name))) {
      await openTab(page, tab);
      const operations = operationsOf(tab);
      for (const operation of operations.filter((name) => name !== 'Live')) {
        const { data, errors } = await run(page, operation, operations.length > 1);
        expect(errors, operation).toBeUndefined();
        for (const value of Object.values(data ?? {})) {
          expect((value as { __typename?: string }).__typename ?? 'Success', operation).toMatch(/Success$/);
        }
        if (operation === 'Write') draftId = (data!.startDraft as { draft: { id: string } }).draft.id;
        seen.push(operation);
      }
    }
    expect(seen).toEqual([
      'Recommend',
      'Begin',
      'React',
      'Heart',
      'Prefer',
      'Write',
      'Verse',
      'Models',
      'MyDrafts',
      'Compose',
      'NewestTune',
      'CheckTune',
      'Analyse',
    ]);

    await openTab(page, 'React');
    await press(page, 'Live', true);
    await expect.poll(() => shown(page)).toMatch(/"rank": 1\b/);

    await openTab(page, 'Follow');
    await setVariables(page, { draftId });
    await press(page, 'Follow', false);
    await expect.poll(() => shown(page)).toMatch(/"text": "[^"]|"COMPLETED"/);

    await openTab(page, 'Text');
    await setVariables(page, { draftId });
    let draft = { status: '', revision: 0, text: '' };
    while (draft.status !== 'COMPLETED') ({ draft } = (await run(page, 'Text', true)).data as { draft: typeof draft });
    const text = `${draft.text} And mine.`;
    await setVariables(page, { draftId, text, ifRevision: draft.revision });
    expect((await run(page, 'Edit', true)).data).toMatchObject({ updateDraft: { draft: { text } } });
    expect((await run(page, 'Edit', true)).data).toMatchObject({
      updateDraft: { __typename: 'RevisionConflictError', revision: draft.revision + 1 },
    });
    expect((await run(page, 'Continue', true)).data).toMatchObject({
      continueDraft: { __typename: 'ContinueDraftSuccess' },
    });

    await page.getByText('Schema reference').click();
    expect(await page.title()).toBe('Cadenza: schema reference');
    expect(asked).toEqual([]);
    expect(failures).toEqual([]);
  });

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
