import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OverloadedError } from '../../lib/errors.ts';
import type { Services } from '../../resolvers/context.ts';
import { TUNES_PATH } from '../../resolvers/drafts/tune-links.ts';
import { type TuneFile, tuneFile } from '../../resolvers/drafts/tunes.ts';
import { answerProblem } from './answers.ts';

const NOTHING = 'There is no such tune, the link has expired, or you may no longer read it: ask for a new link';

/** `/tunes/TOKEN/FILE`: a tune's MIDI and sound, whole or in parts ([TUNE12]). The token is the right to read it. */
export async function answerTuneFile(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  services: Services,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const headers = { allow: 'GET, HEAD' };
    answerProblem(response, { status: 405, code: 'BAD_REQUEST', message: 'Tunes are read with GET', headers });
    return;
  }
  try {
    const [token = '', file = ''] = path.slice(TUNES_PATH.length + 1).split('/');
    const right = services.tunes.links.read(token);
    const found = right && (await tuneFile(right, file, services));
    if (found) answerBytes(found, request, response);
    else answerProblem(response, { status: 404, code: 'NOT_FOUND', message: NOTHING });
  } catch (error) {
    if (!(error instanceof OverloadedError)) throw error;
    const headers = { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) };
    answerProblem(response, { status: 503, code: error.code, message: error.message, headers });
  }
}

function answerBytes({ bytes, type }: TuneFile, { headers, method }: IncomingMessage, response: ServerResponse): void {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  response.setHeader('etag', etag).setHeader('accept-ranges', 'bytes').setHeader('cache-control', 'private, no-cache');
  if (headers['if-none-match']?.includes(etag)) {
    response.writeHead(304).end();
    return;
  }
  const isCurrent = headers['if-range'] === undefined || headers['if-range'] === etag;
  const range = isCurrent ? rangeOf(headers.range, bytes.length) : null;
  if (range === 'none') {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: bytes.length };
  const part = range ? { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` } : {};
  response.writeHead(range ? 206 : 200, { 'content-type': type, 'content-length': to - from, ...part });
  response.end(method === 'HEAD' ? undefined : bytes.subarray(from, to));
}

/** One range of RFC 9110. Null for none and for what is not understood, which is then ignored. */
function rangeOf(header: string | undefined, length: number): { from: number; to: number } | 'none' | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return null;
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === '' || last === '' ? length : Math.min(length, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < from) return null;
  return from < to ? { from, to } : 'none';
}
