import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidInputError, OverloadedError } from '../../lib/errors.ts';
import { type DateOrTime, exportColumns, type ExportKind } from '../../recommend/recommender.ts';
import type { Context } from '../../resolvers/context.ts';
import { requireRole } from '../../resolvers/context.ts';
import { momentOf } from '../../schema/scalars.ts';
import { answerFailure, answerProblem } from '../http/answers.ts';
import type { Caller } from '../http/endpoint.ts';
import type { Mask } from '../live-results.ts';
import { toCsv } from './csv.ts';
import { toParquet } from './parquet.ts';
import { PERSONAL_EXPORT_PATH, personalExportOf } from './personal-data.ts';

export const EXPORT_PATH = '/export';

const KINDS = Object.keys(exportColumns) as ExportKind[];
const FORMATS = {
  csv: { write: toCsv, type: 'text/csv; charset=utf-8; header=present' },
  parquet: { write: toParquet, type: 'application/vnd.apache.parquet' },
} as const;

/** Number of exports that a node makes at once: each reads a whole period. */
const AT_ONCE = 2;
const RETRY_MS = 30_000;

export interface ExportsOptions {
  mask: Mask;
  /** Null if the caller could not be identified; the request has then been answered. */
  callerOf: (request: IncomingMessage, response: ServerResponse) => Promise<Caller | null>;
  /** How long a reader may accept nothing. */
  stalledMs: number;
}

/**
 * `GET /export?of=lists&format=csv&from=…&to=…&timeZone=…`, for analysts ([EXPORT1]), and what is stored about one listener.
 * Rows are read as they are accepted, and reading ends with the connection.
 */
export function createExports({ mask, callerOf, stalledMs }: ExportsOptions) {
  let running = 0;
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'GET') {
      const headers = { allow: 'GET' };
      answerProblem(response, { status: 405, code: 'BAD_REQUEST', message: 'Exports are read with GET', headers });
      return;
    }
    const caller = await callerOf(request, response);
    if (!caller) return;
    try {
      const isPersonal = request.url?.split('?', 1)[0] === PERSONAL_EXPORT_PATH;
      const { name, type, chunks } = await (isPersonal ? personalExportOf : exportOf)(request, caller.context);
      if (running >= AT_ONCE) throw new OverloadedError(`Of a node ${AT_ONCE} exports can run at once`, RETRY_MS);
      running += 1;
      try {
        response.writeHead(200, {
          ...{
            'content-type': type,
            'content-disposition': `attachment; filename="${name}"`,
            'cache-control': 'no-store',
          },
        });
        response.setTimeout(stalledMs, () => response.destroy());
        await pipeline(Readable.from(chunks), response, { signal: caller.context.lifetime.signal });
      } finally {
        running -= 1;
      }
    } catch (error) {
      // What has been sent cannot be taken back: a file that ends too early has no end that its format requires.
      if (response.headersSent) response.destroy();
      else answerFailure(response, mask(error));
    }
  };
}

/** @throws ForbiddenError; InvalidInputError that names the parameter */
function exportOf({ url = '' }: IncomingMessage, context: Context) {
  requireRole(context, 'ANALYST');
  const given = new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length));
  const kind = KINDS.find((one) => one === given.get('of'));
  if (!kind) throw new InvalidInputError(`of must be one of: ${KINDS.join(', ')}`, 'of');
  const [format, { write, type }] = formatOf(given.get('format') ?? 'csv');
  const query = { from: timeIn(given, 'from'), to: timeIn(given, 'to'), timeZone: given.get('timeZone') };
  const batches = context.recommender.export(kind, query, context.lifetime.signal);
  return { name: `${kind}.${format}`, type, chunks: write(exportColumns[kind], batches) };
}

function formatOf(name: string): [string, (typeof FORMATS)[keyof typeof FORMATS]] {
  const found = Object.entries(FORMATS).find(([known]) => known === name);
  if (found) return found;
  throw new InvalidInputError(`format must be one of: ${Object.keys(FORMATS).join(', ')}`, 'format');
}

function timeIn(given: URLSearchParams, name: 'from' | 'to'): DateOrTime | null {
  const text = given.get(name);
  const found = text === null ? null : momentOf(text);
  if (found !== undefined) return found;
  throw new InvalidInputError(`${name} must be a date like 2026-11-23 or a time like 2026-11-23T14:00:00Z`, name);
}
