import { InvalidInputError } from '../../lib/errors.ts';
import { CsvReader, type CsvRecord, separatorOf } from './csv.ts';
import { type JsonObject, objectOf } from './json.ts';
import { readJsonArray } from './json-array.ts';
import { type Line, readLines } from './lines.ts';

/** The rows of a file, one batch per chunk: JSON objects, one per line or in an array, or CSV records. */
export type Content =
  | { kind: 'json'; batches: AsyncGenerator<JsonObject[], void> }
  | { kind: 'csv'; batches: AsyncGenerator<CsvRecord[], void> };

/** Maximum number of blank characters at the start of a file of rows. */
const MAX_BLANKS = 1024 * 1024;

/**
 * Detects by the first character what a file contains: `[` begins a JSON array, `{` JSON objects, one per line, and
 * anything else is CSV.
 * @throws InvalidInputError if the file is empty or not text
 */
export async function readContent(chunks: AsyncGenerator<Buffer, void>, name: string): Promise<Content> {
  const start = await readStart(chunks, name);
  const first = start
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()[0];
  if (first === undefined) throw new InvalidInputError(`${name} contains no rows`, 'path');
  const whole = rejoin(start, chunks);
  if (first === '[') return { kind: 'json', batches: objectsOf(readJsonArray(whole, name)) };
  if (first === '{') return { kind: 'json', batches: objectsOf(checkedLines(whole, name)) };
  return { kind: 'csv', batches: readCsv(readLines(whole), name) };
}

/** Reads up to the first chunk that is not blank. */
async function readStart(chunks: AsyncGenerator<Buffer, void>, name: string): Promise<Buffer> {
  const held: Buffer[] = [];
  for (let size = 0; size <= MAX_BLANKS;) {
    const { value: chunk } = await chunks.next();
    if (!chunk) return Buffer.concat(held);
    held.push(chunk);
    size += chunk.length;
    if (chunk.some((byte) => byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf))
      return Buffer.concat(held);
  }
  await chunks.return();
  throw new InvalidInputError(
    `${name} is not text: it begins with ${MAX_BLANKS.toLocaleString('en')} blank characters`,
    'path',
  );
}

async function* rejoin(start: Buffer, chunks: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  try {
    yield start;
    yield* chunks;
  } finally {
    await chunks.return();
  }
}

async function* objectsOf(batches: AsyncIterable<Line[]>): AsyncGenerator<JsonObject[], void> {
  for await (const lines of batches) yield lines.flatMap((line) => objectOf(line) ?? []);
}

/** An object that spans several lines would otherwise be reported as one bad row per line. */
async function* checkedLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Line[], void> {
  let isFirst = true;
  for await (const lines of readLines(chunks)) {
    const first = lines.find((line) => 'problem' in line || line.text.trim() !== '');
    if (isFirst && first && 'text' in first && first.text.trim() === '{') {
      const remedy = 'use one object per line (JSONL) or an array of objects';
      throw new InvalidInputError(`${name}:${first.line}: a JSON object spans several lines; ${remedy}`, 'path');
    }
    if (first) isFirst = false;
    yield lines;
  }
}

async function* readCsv(batches: AsyncIterable<Line[]>, name: string): AsyncGenerator<CsvRecord[], void> {
  let csv: CsvReader | null = null;
  for await (const lines of batches) {
    csv ??= startCsv(lines, name);
    const records = csv?.push(lines) ?? [];
    if (records.length > 0) yield records;
  }
  yield csv?.end() ?? [];
}

/** Null until there is a line that is not blank. */
function startCsv(lines: Line[], name: string): CsvReader | null {
  const first = lines.find((line) => 'problem' in line || line.text.trim() !== '');
  if (!first) return null;
  if ('problem' in first)
    throw new InvalidInputError(`${name} is not text: line ${first.line}: ${first.problem}`, 'path');
  if (first.text.includes('\r'))
    throw new InvalidInputError(`${name}: its lines end with CR only, as on old Macs; save it with LF`, 'path');
  return new CsvReader(separatorOf(first.text));
}
