import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphiQLOptions } from 'graphql-yoga';
import type { Context } from '../../resolvers/context.ts';
import { exampleIds } from '../../resolvers/examples.ts';
import { answerProblem } from './answers.ts';
import { Asset } from './asset.ts';

const folder = new URL('../../../assets/graphiql/', import.meta.url);
const TABS = [
  ...(['recommend', 'begin', 'radio', 'react', 'write', 'follow', 'edit', 'report', 'compose', 'together'] as const),
  'analyse',
] as const;

export interface Graphiql {
  answerPage: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** @returns false if the page has no such file */
  answerFile: (name: string, request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
}

interface Around {
  /** Whether requests need one: the page then opens with the header for it ([SERVE14]). */
  needsToken: boolean;
  /** Whether the server has the Studio, which the page then links to. */
  hasStudio: boolean;
}

/** GraphiQL with worked examples in its tabs. Their variables refer to existing objects ([SERVE1]). */
export function createGraphiql(context: Pick<Context, 'catalogue'>, around: Around): Graphiql {
  const examples = rememberingExamples(context);
  let files: Promise<Files> | null = null;
  let page: { trackId: string | null; asset: Asset } | null = null;
  const load = (): Promise<Files> => (files ??= loadFiles());
  return {
    answerPage: async (request, response) => {
      const [loaded, trackId] = await Promise.all([load(), examples()]);
      if (page?.trackId !== trackId) page = { trackId, asset: makePage(loaded, trackId, around) };
      await page.asset.answer(request, response);
    },
    answerFile: async (name, request, response) => {
      const asset = FILES.includes(name) ? (await load()).get(name) : undefined;
      await asset?.answer(request, response);
      return asset !== undefined;
    },
  };
}

/** For a server without the page ([HTTP6]). */
export const noGraphiql: Graphiql = {
  answerPage: (_, response) => {
    const message = 'No page is served here (CADENZA_GRAPHIQL=off): send Accept: application/json';
    answerProblem(response, { status: 404, code: 'NOT_FOUND', message });
    return Promise.resolve();
  },
  answerFile: () => Promise.resolve(false),
};

/** One lookup serves all concurrent requests. While the database is unavailable, the previous result is used. */
function rememberingExamples(context: Pick<Context, 'catalogue'>): () => Promise<string | null> {
  let known: string | null = null;
  let asking: Promise<string | null> | null = null;
  const ask = async (): Promise<string | null> => {
    try {
      known = (await exampleIds(context)).trackId;
    } catch {
      // The examples report the failure when they are run.
    } finally {
      asking = null;
    }
    return known;
  };
  return () => (asking ??= ask());
}

const SCRIPT = 'text/javascript; charset=utf-8';
const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable' };
const [APP, STYLE, ICON] = ['graphiql.js', 'graphiql.css', 'favicon.ico'] as const;
/** By the names that the editor uses. */
const WORKERS = { editorWorkerService: 'editor.worker.js', json: 'json.worker.js', graphql: 'graphql.worker.js' };
const FILES: readonly string[] = [APP, STYLE, ICON, ...Object.values(WORKERS)];

type Files = ReadonlyMap<string, Asset>;

/** Nine megabytes of script, loaded on the first request. */
async function loadFiles(): Promise<Files> {
  const parts = await import('@graphql-yoga/render-graphiql/graphiql');
  const { css, js, favicon, editorWorkerService, jsonWorker, graphqlWorker } = parts;
  const workers = { editorWorkerService, json: jsonWorker, graphql: graphqlWorker };
  const files = new Map<string, Asset>();
  for (const [label, name] of Object.entries(WORKERS)) {
    files.set(name, new Asset(workers[label as keyof typeof WORKERS], SCRIPT, FOREVER));
  }
  files.set(APP, new Asset(`${begin(files)}\n${js}\n${RENDER}`, SCRIPT, FOREVER));
  files.set(STYLE, new Asset(`${css}\n${STEADY_TABS}\n${LINKS}`, 'text/css; charset=utf-8', FOREVER));
  files.set(ICON, new Asset(Buffer.from(favicon.split(',')[1] ?? '', 'base64'), 'image/x-icon', FOREVER));
  return files;
}

/** A file's URL changes with its content, so browsers may cache it. */
const addressOf = (files: Files, name: string): string => `${name}?v=${files.get(name)?.digest ?? ''}`;

/** Tells the editor to load its workers from the script's own folder, wherever a proxy serves that. */
function begin(files: Files): string {
  const addresses = Object.fromEntries(
    Object.entries(WORKERS).map(([label, name]) => [label, addressOf(files, name)] as const),
  );
  return `self.MonacoEnvironment = ((here, addresses) => ({
    globalAPI: false,
    getWorkerUrl: (_, label) => new URL(addresses[label], here).href,
  }))(document.currentScript.src, ${JSON.stringify(addresses)});`;
}

const RENDER = `YogaGraphiQL.renderYogaGraphiQL(
  document.querySelector('#root'),
  JSON.parse(document.querySelector('#options').textContent),
);`;

/** GraphiQL treats the initial tabs as if they had been dragged, and would move them away from the first click. */
const STEADY_TABS = '.graphiql-tab { transform: none !important; }';

/** GraphiQL and a line of links fill the window. What the editor measures texts with, out of sight, makes no page to scroll. */
const LINKS = `body { display: flex; flex-direction: column; height: 100vh; margin: 0; }
#root { flex: 1; min-height: 0; }
#root .graphiql-container { position: relative; height: 100%; }
.links { display: flex; justify-content: flex-end; gap: 16px; padding: 0 20px 4px; font: 13px sans-serif; }`;

/**
 * Scripts come only from this server, and no other site may frame the page. The editor adds inline styles ([HTTP3]).
 */
const PAGE_HEADERS = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': [
    ...["default-src 'none'", "script-src 'self'", "worker-src 'self'", "connect-src 'self'"],
    ...["style-src 'self' 'unsafe-inline'", "img-src 'self' data:", "font-src 'self' data:"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
};

function makePage(files: Files, trackId: string | null, { needsToken, hasStudio }: Around): Asset {
  const address = (name: string): string => `graphql/${addressOf(files, name)}`;
  const options = JSON.stringify(optionsOf(trackId, needsToken)).replaceAll('<', '\\u003c');
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Cadenza</title>
    <link rel="icon" href="${address(ICON)}" />
    <link rel="stylesheet" href="${address(STYLE)}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>You need to enable JavaScript to run this app.</noscript>
    <div id="root"></div>
    <nav class="links">${hasStudio ? '<a href="studio">Studio</a>' : ''}<a href="docs">Schema reference</a></nav>
    <script id="options" type="application/json">${options}</script>
    <script src="${address(APP)}"></script>
  </body>
</html>
`;
  return new Asset(html, 'text/html; charset=utf-8', PAGE_HEADERS);
}

const TOKEN_HEADER = JSON.stringify({ authorization: 'Bearer PASTE A TOKEN HERE' }, null, 2);

function optionsOf(trackId: string | null, needsToken: boolean): GraphiQLOptions {
  const headers = needsToken ? { headers: TOKEN_HEADER } : {};
  return {
    title: 'Cadenza',
    subscriptionsProtocol: 'SSE',
    defaultEditorToolsVisibility: needsToken ? 'headers' : 'variables',
    defaultTabs: exampleTabs(trackId).map((tab) => ({ ...tab, ...headers })),
    ...headers,
    // Headers may contain a token, which must not be stored in the browser.
    shouldPersistHeaders: false,
  };
}

interface Tab {
  query: string;
  variables?: string;
}

/** The example documents, with variables where they need some. GraphiQL ignores the variables of the first tab. */
function exampleTabs(trackId: string | null): Tab[] {
  const track = trackId ?? 'the id of a track';
  const variables: Partial<Record<(typeof TABS)[number], object>> = {
    radio: { session: [track] },
    react: { input: { trackId: track, kind: 'PLAY' }, trackId: track },
    write: { input: { kind: 'POEM', prompt: 'The first snow of the year', sampling: { maxTokens: 120, seed: 7 } } },
    edit: { text: 'The first snow of the year,' },
    report: { text: 'In order to see the the harbour, she really walked a mile. It was built in 1901.' },
    compose: {
      input: { kind: 'TUNE', prompt: 'A walk by the river', tune: { type: 'JIG', key: 'G' }, sampling: { seed: 7 } },
    },
    together: { title: 'Harbour', text: 'The first snow', documentId: 'the id that was answered' },
  };
  return TABS.map((name) => {
    const query = readFileSync(new URL(`${name}.graphql`, folder), 'utf8');
    const given = variables[name];
    return { query, ...(given && { variables: JSON.stringify(given, null, 2) }) };
  });
}
