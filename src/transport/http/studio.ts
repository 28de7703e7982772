import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { answerProblem } from './answers.ts';
import { Asset } from './asset.ts';

/** What `packages/studio` is built to. */
const built = new URL('../../../dist/studio/', import.meta.url);
const STUDIO_PATH = '/studio';
const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable' };
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * Scripts, styles, fonts and data come from this server only, and no other site may frame the page. Sheet music is shown as an
 * image of its own, from memory ([STUDIO1]).
 */
const PAGE_HEADERS = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "connect-src 'self'"],
    ...["img-src 'self' blob: data:", "media-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
};

export interface Studio {
  /** @returns false if there is no such page or file */
  answer: (path: string, request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
}

/** The Studio: a page of static files that uses nothing but the contract. They are read at the first request. */
export function createStudio(): Studio {
  let files: ReadonlyMap<string, Asset> | null = null;
  return {
    answer: async (path, request, response) => {
      if (path !== STUDIO_PATH && !path.startsWith(`${STUDIO_PATH}/`)) return false;
      if (!existsSync(built)) return answerMissing(response);
      files ??= readFiles();
      const asset = files.get(path);
      await asset?.answer(request, response);
      return asset !== undefined;
    },
  };
}

/** For a server without the page ([STUDIO2]). */
export const noStudio: Studio = { answer: () => Promise.resolve(false) };

function answerMissing(response: ServerResponse): true {
  const message = 'The Studio has not been built on this server: npm run build';
  answerProblem(response, { status: 404, code: 'NOT_FOUND', message });
  return true;
}

/** The names of all files but the page's change with their content. */
function readFiles(): ReadonlyMap<string, Asset> {
  const page = new Asset(readFileSync(new URL('index.html', built)), 'text/html; charset=utf-8', PAGE_HEADERS);
  const folder = new URL('studio/', built);
  const others = readdirSync(folder).map((name): [string, Asset] => {
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    return [`${STUDIO_PATH}/${name}`, new Asset(readFileSync(new URL(name, folder)), type, FOREVER)];
  });
  return new Map([[STUDIO_PATH, page], ...others]);
}
