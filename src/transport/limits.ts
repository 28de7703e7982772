import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { parse, type ParseOptions, type Source } from 'graphql';
import type { Plugin } from 'graphql-yoga';

type EnvelopPlugin = ReturnType<typeof maxDepthPlugin> | Plugin;

/** Tokens of a document. A parser's stack depth is bounded by it, and so is the time that validation takes. */
export const MAX_TOKENS = 2_000;
export const MAX_DEPTH = 14;
export const MAX_ALIASES = 30;

/** What one document may ask for ([SERVE2]), the same over HTTP and over WebSocket. */
export function limitPlugins(): EnvelopPlugin[] {
  // Introspection is deep and harmless: its depth is that of the schema's types, of which there are few.
  const depth = maxDepthPlugin({ n: MAX_DEPTH, ignoreIntrospection: true, flattenFragments: true });
  return [limitTokens(), depth, maxAliasesPlugin({ n: MAX_ALIASES })];
}

function limitTokens(): Plugin {
  const limited = (source: string | Source, options?: ParseOptions) =>
    parse(source, { ...options, maxTokens: MAX_TOKENS });
  return { onParse: ({ setParseFn }) => setParseFn(limited) };
}
