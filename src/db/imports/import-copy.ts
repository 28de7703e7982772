import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { asError } from '../../lib/errors.ts';
import type { Transaction } from '../connection/transaction.ts';

/** A value of a COPY row. Arrays are arrays of text or of numbers. */
export type CopyValue = string | number | boolean | Date | null | readonly string[] | readonly number[];

const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Loads rows into a table with COPY and backpressure: the source is read no faster than the server accepts rows. If the
 * source throws, the COPY is aborted and the error passed on; the transaction must then be rolled back.
 * @param target table and columns, for example `staged (a, b)`; not escaped
 */
export const copyRows = (
  tx: Transaction,
  target: string,
  batches: AsyncIterable<readonly (readonly CopyValue[])[]>,
): Promise<void> => copyChunks(tx, target, chunksOf(batches));

async function* chunksOf(batches: AsyncIterable<readonly (readonly CopyValue[])[]>): AsyncIterable<string> {
  let chunk = '';
  for await (const batch of batches) {
    for (const row of batch) {
      chunk += `${row.map(encode).join('\t')}\n`;
      if (chunk.length < CHUNK_CHARACTERS) continue;
      yield chunk;
      chunk = '';
    }
  }
  yield chunk;
}

/** The same for rows in the text format of COPY, in pieces of any length. */
export async function copyChunks(
  tx: Transaction,
  target: string,
  chunks: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const stream = await tx.unsafe(`copy ${target} from stdin`).writable();
  // A failure of the connection or the server is an event, which would end the process without a listener.
  const failures: Error[] = [];
  stream.on('error', (error: Error) => failures.push(error));
  const throwIfFailed = (): void => {
    if (failures[0]) throw failures[0];
  };
  try {
    for await (const chunk of chunks) {
      throwIfFailed();
      if (!stream.write(chunk) && !stream.destroyed) await drained(stream);
    }
  } catch (error) {
    if (!stream.destroyed) stream.destroy(asError(error));
    throw failures[0] ?? error;
  }
  stream.end();
  // The driver releases the stream when it sends the end, and never settles it if the server then refuses. The next
  // statement of the transaction always settles, and fails if the COPY did.
  await setImmediate();
  await tx`select 1`;
  throwIfFailed();
}

/**
 * Also settles if it is closed, which the next write reports. A long COPY waits thousands of times, so no listener may
 * stay behind.
 */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}

/** The text format of COPY: tabs between values, \N for null, backslash before special characters. */
function encode(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') return escapeText(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return escapeText(`{${value.map(encodeElement).join(',')}}`);
  return String(value);
}

function encodeElement(element: string | number): string {
  return typeof element === 'number' ? String(element) : `"${element.replace(/["\\]/g, '\\$&')}"`;
}

const escapes: Partial<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escapeText(text: string): string {
  return /[\\\t\n\r]/.test(text) ? text.replace(/[\\\t\n\r]/g, (found) => escapes[found] ?? found) : text;
}
