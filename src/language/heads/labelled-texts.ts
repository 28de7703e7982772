import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { asError, InvalidInputError } from '../../lib/errors.ts';
import { countCodePoints } from '../../lib/text/code-points.ts';

/** A row of a file with texts and labels. */
export interface LabelledText {
  text: string;
  labels: readonly string[];
}

/** Longest text of a row, in code points. */
const LONGEST = 10_000;
const MOST_BYTES = 1 << 30;

const label = z.union([z.string(), z.number().transform(String)]);
const jsonSchema = z.looseObject({ text: z.string(), label: label.optional(), labels: z.array(label).optional() });

/**
 * Reads `text<TAB>label[,label…]`, one a line, further columns being ignored, or JSON lines with `text` and `label` or
 * `labels`. Empty lines and rows without a text or a label are left out. The file may be gzipped.
 * @throws InvalidInputError that names the line
 */
export async function readLabelledTexts(path: string, field: string): Promise<LabelledText[]> {
  const rows: LabelledText[] = [];
  for (const { line, number } of await linesOf(path, field)) {
    const row = line.startsWith('{') ? fromJson(line, number, field) : fromColumns(line, number, field);
    if (row.text.trim() === '' || row.labels.length === 0) continue;
    checkLong(row.text, number, field);
    rows.push(row);
  }
  if (rows.length === 0) throw new InvalidInputError(`${path} has no row with a text and a label`, field);
  return rows;
}

/** Rows of `id<TAB>rating<TAB>text`; those whose rating is no number (a heading) are left out. @throws InvalidInputError */
export async function readRatedTexts(path: string, field: string): Promise<{ rating: number; text: string }[]> {
  const rows = (await linesOf(path, field)).flatMap(({ line, number }) => {
    const [, rating = '', ...rest] = line.split('\t');
    const text = rest.join(' ').trim();
    if (text === '' || rating.trim() === '' || !Number.isFinite(Number(rating))) return [];
    checkLong(text, number, field);
    return [{ rating: Number(rating), text }];
  });
  if (rows.length > 1) return rows;
  throw new InvalidInputError(
    `${path} has ${rows.length} rows of id, rating and text, but two or more are needed`,
    field,
  );
}

/** The names of labels that are numbers in a file: one a line. @throws InvalidInputError */
export async function readLabelNames(path: string, field: string): Promise<string[]> {
  return (await linesOf(path, field)).map(({ line }) => line.trim());
}

function fromColumns(line: string, number: number, field: string): LabelledText {
  const [text = '', labels] = line.split('\t');
  if (labels === undefined) throw new InvalidInputError(`line ${number} has no tab and so no label`, field);
  return { text, labels: namesIn(labels.split(',')) };
}

function fromJson(line: string, number: number, field: string): LabelledText {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return fromColumns(line, number, field);
  }
  const { data } = jsonSchema.safeParse(json);
  if (!data) throw new InvalidInputError(`line ${number} must be JSON with text and label or labels`, field);
  return { text: data.text, labels: namesIn(data.labels ?? [data.label ?? '']) };
}

const namesIn = (labels: readonly string[]) => [...new Set(labels.map((one) => one.trim()).filter(Boolean))];

async function linesOf(path: string, field: string): Promise<{ line: string; number: number }[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new InvalidInputError(`${path} cannot be read: ${asError(error).message}`, field);
  });
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (isZipped ? unzip(bytes, path, field) : bytes).toString('utf8').replace(/^\uFEFF/, '');
  const lines = text.split(/\r\n|\n|\r/).map((line, i) => ({ line, number: i + 1 }));
  return lines.filter(({ line }) => line.trim() !== '');
}

function unzip(bytes: Buffer, path: string, field: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    throw new InvalidInputError(`${path} cannot be unzipped: ${asError(error).message}`, field);
  }
}

function checkLong(text: string, number: number, field: string): void {
  const length = text.length <= LONGEST ? text.length : countCodePoints(text);
  if (length <= LONGEST) return;
  throw new InvalidInputError(
    `the text of line ${number} has ${length} characters, at most ${LONGEST} are possible`,
    field,
  );
}
