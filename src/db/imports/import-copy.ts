import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Transaction } from '../transaction.ts';

/** A value of a COPY row. Arrays are arrays of text or of numbers. */
export type CopyValue = string | number | boolean | Date | null | readonly string[] | readonly number[];

const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Loads rows into a table by COPY, with backpressure: the source is read no faster than the server takes the rows. When
 * the source throws, the COPY is called off and the error passed on; the transaction has to be rolled back then.
 * @param target table and columns, e.g. `staged (a, b)`; not escaped
 */
export async function copyRows(
  tx: Transaction,
  target: string,
  batches: AsyncIterable<readonly (readonly CopyValue[])[]>,
): Promise<void> {
  const stream = await tx.unsafe(`copy ${target} from stdin`).writable();
  // A failure of the connection or the server arrives as an event, and would end the process if nobody heard it.
  const failures: Error[] = [];
  stream.on('error', (error: Error) => failures.push(error));
  const throwIfFailed = (): void => {
    if (failures[0]) throw failures[0];
  };
  const write = async (text: string): Promise<void> => {
    throwIfFailed();
    if (!stream.write(text) && !stream.destroyed) await drained(stream);
  };
  try {
    let chunk = '';
    for await (const batch of batches) {
      for (const row of batch) {
        chunk += `${row.map(encode).join('\t')}\n`;
        if (chunk.length < CHUNK_CHARACTERS) continue;
        await write(chunk);
        chunk = '';
      }
    }
    await write(chunk);
  } catch (error) {
    if (!stream.destroyed) stream.destroy(error instanceof Error ? error : new Error(String(error)));
    throw failures[0] ?? error;
  }
  stream.end();
  // The driver lets go of the stream when it sends the end, and never settles it if the server refuses then; the next
  // statement of the transaction always answers, and fails when the COPY did.
  await setImmediate();
  await tx`select 1`;
  throwIfFailed();
}

/** Or closed, which the next write tells. A long COPY waits thousands of times, so no listener may stay behind. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('drain', settle).off('close', settle);
      resolve();
    };
    stream.on('drain', settle).on('close', settle);
  });
}

/** The text format of COPY: tab between values, \N for null, backslash before what would be misread. */
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
