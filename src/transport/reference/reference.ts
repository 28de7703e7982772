import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { Asset } from '../http/asset.ts';
import { referencePage } from './reference-page.ts';

const folder = new URL('../../../assets/reference/', import.meta.url);
const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable' };
const [STYLE, SCRIPT] = ['reference.css', 'reference.js'] as const;
const TYPES = { [STYLE]: 'text/css; charset=utf-8', [SCRIPT]: 'text/javascript; charset=utf-8' };

const REFERENCE_PATH = '/docs';

/** Everything comes from this server, and no other site may frame the page ([SERVE13]). */
const PAGE_HEADERS = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
};

export interface Reference {
  /** @returns false if there is no such page or file */
  answer: (path: string, request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
}

/** The contract as a page to read and search. It is made at its first request. */
export function createReference(schema: () => GraphQLSchema): Reference {
  let assets: ReadonlyMap<string, Asset> | null = null;
  return {
    answer: async (path, request, response) => {
      const asset = path.startsWith(REFERENCE_PATH) ? (assets ??= assetsOf(schema())).get(path) : undefined;
      await asset?.answer(request, response);
      return asset !== undefined;
    },
  };
}

/** For a server without the page ([HTTP6]). */
export const noReference: Reference = { answer: () => Promise.resolve(false) };

function assetsOf(schema: GraphQLSchema): ReadonlyMap<string, Asset> {
  const files = [STYLE, SCRIPT].map(
    (name) => [name, new Asset(readFileSync(new URL(name, folder)), TYPES[name], FOREVER)] as const,
  );
  // A file's URL changes with its content, so browsers may cache it.
  const [style = '', script = ''] = files.map(([name, { digest }]) => `docs/${name}?v=${digest}`);
  const page = new Asset(referencePage(schema, { style, script }), 'text/html; charset=utf-8', PAGE_HEADERS);
  return new Map([
    [REFERENCE_PATH, page],
    ...files.map(([name, asset]): [string, Asset] => [`${REFERENCE_PATH}/${name}`, asset]),
  ]);
}
