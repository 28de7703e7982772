import { readFileSync } from 'node:fs';
import type { GraphiQLOptions } from 'graphql-yoga';
import type { Context } from '../resolvers/context.ts';
import { exampleIds } from '../resolvers/examples.ts';

const folder = new URL('../../assets/graphiql/', import.meta.url);
const TABS = ['recommend', 'react', 'write', 'follow', 'analyse'] as const;

interface Tab {
  query: string;
  variables?: string;
}

/** GraphiQL with worked examples in its tabs, whose variables name things that are there ([SERVE1]). */
export async function graphiqlOptions(context: Pick<Context, 'catalogue'>): Promise<GraphiQLOptions> {
  const { trackId } = await exampleIds(context);
  return {
    title: 'Cadenza',
    subscriptionsProtocol: 'SSE',
    defaultEditorToolsVisibility: 'variables',
    defaultTabs: exampleTabs({ trackId }),
    // What a person sets there may be a token, which has no business in a browser's storage.
    shouldPersistHeaders: false,
  };
}

/** The example documents, with variables for those that need some; GraphiQL does not take those of the first tab. */
function exampleTabs({ trackId }: { trackId: string | null }): Tab[] {
  const variables: Partial<Record<(typeof TABS)[number], object>> = {
    react: { input: { trackId: trackId ?? 'the id of a track', kind: 'LIKE' } },
    write: { input: { kind: 'POEM', prompt: 'The first snow of the year', sampling: { maxTokens: 120, seed: 7 } } },
    follow: { draftId: 'the id that the tab before answered' },
  };
  return TABS.map((name) => {
    const query = readFileSync(new URL(`${name}.graphql`, folder), 'utf8');
    const given = variables[name];
    return { query, ...(given && { variables: JSON.stringify(given, null, 2) }) };
  });
}

/** The page is 9 MB of script: kept out of memory until somebody asks for it. */
export async function renderPage(options: GraphiQLOptions): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL(options).replace('</head>', `${STEADY_TABS}</head>`);
}

/** Tabs that are there from the start believe that they were dragged, and would jump away from under the first click. */
const STEADY_TABS = '<style>.graphiql-tab { transform: none !important; }</style>';
