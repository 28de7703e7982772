import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Answer, refuse, whole } from '../network/file-server.ts';

export const COMMIT = 'c0ffee'.padEnd(40, '0');

export interface HubOptions {
  /** The repository's files. */
  files: Record<string, Buffer>;
  /** The only token that it lets in; null lets everybody in. */
  token?: string | null;
  license?: string;
  /** What the listing says instead of the truth, by path. */
  lies?: Record<string, { size?: number; sha256?: string }>;
  /** How requests for a file's bytes are answered, one after the other; the last is repeated. */
  answers?: Record<string, Answer[]>;
  /** What a search finds, as the protocol has it. */
  found?: object[];
}

export interface ModelHub {
  /** The parameters of each search. */
  searches: URLSearchParams[];
  endpoint: string;
  /** The `Range` headers of the requests for a file's bytes beyond its first, in order. */
  ranges: string[];
}

/** A hub on 127.0.0.1 with one repository, `owner/tiny`, in the protocol of the public one. */
export async function openHub({
  files,
  token = null,
  license,
  lies = {},
  answers = {},
  found = [],
}: HubOptions): Promise<ModelHub> {
  const ranges: string[] = [];
  const searches: URLSearchParams[] = [];
  const asked = new Map<string, number>();
  const tree = Object.entries(files).map(([path, bytes]) => {
    const oid = lies[path]?.sha256 ?? createHash('sha256').update(bytes).digest('hex');
    const size = lies[path]?.size ?? bytes.length;
    // Small texts are in the repository itself, without a SHA-256.
    const lfs = /\.(gguf|safetensors)$/.test(path) ? { lfs: { oid, size, pointerSize: 130 } } : {};
    return { type: 'file', path, size, oid: '0'.repeat(40), ...lfs };
  });
  const info = {
    ...{ _id: '1', id: 'owner/tiny', sha: COMMIT, private: false, gated: token !== null, downloads: 1, likes: 1 },
    ...{ lastModified: '2026-01-01T00:00:00.000Z', tags: license === undefined ? [] : [`license:${license}`] },
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hub');
    const path = decodeURIComponent(pathname);
    const answerJson = (value: unknown) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (token !== null && request.headers.authorization !== `Bearer ${token}`) {
      refuse(401)(request, response);
      return;
    }
    if (path === '/api/models') {
      searches.push(searchParams);
      return void answerJson(found);
    }
    if (/^\/api\/models\/owner\/tiny\/revision\/(main|c0ffee0*)$/.test(path)) return void answerJson(info);
    if (path === `/api/models/owner/tiny/tree/${COMMIT}`) return void answerJson(tree);
    const file = new RegExp(`^/owner/tiny/resolve/${COMMIT}/(.+)$`).exec(path)?.[1] ?? '';
    const bytes = files[file];
    if (!bytes) {
      refuse(404)(request, response);
      return;
    }
    const { range } = request.headers;
    // The client looks for a file's size and state with its first byte.
    if (range === 'bytes=0-0') {
      whole(bytes)(request, response);
      return;
    }
    ranges.push(range ?? '');
    const own = answers[file] ?? [];
    const count = asked.get(file) ?? 0;
    asked.set(file, count + 1);
    (own[Math.min(count, own.length - 1)] ?? whole(bytes))(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ranges, searches };
}
