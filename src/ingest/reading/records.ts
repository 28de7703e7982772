import { InvalidInputError } from '../../lib/errors.ts';
import { ColumnNames, type Columns, type Naming } from './columns.ts';
import { type Content, readContent } from './content.ts';
import type { CsvRecord } from './csv.ts';
import type { JsonObject } from './json.ts';
import type { LineProblem } from './lines.ts';

/** Values as in the file: strings from CSV, any JSON values from JSON. */
type Fields = Record<string, unknown>;
export type SourceRecord = { line: number; fields: Fields } | LineProblem;

/**
 * Reads CSV with a header, JSON objects, one per line, or a JSON array of objects, as records with exactly these
 * columns, one batch per chunk.
 * @throws InvalidInputError if the header is wrong, because no row can then be valid
 */
export async function* readRecords(
  chunks: AsyncGenerator<Buffer, void>,
  columns: Columns,
  name: string,
  naming: Naming,
): AsyncGenerator<SourceRecord[], void> {
  const names = new ColumnNames(columns, naming, name);
  const content: Content = await readContent(chunks, name);
  if (content.kind === 'csv') yield* csvRecords(content.batches, names, name);
  else yield* jsonRecords(content.batches, names, name);
}

async function* csvRecords(
  batches: AsyncIterable<CsvRecord[]>,
  names: ColumnNames,
  name: string,
): AsyncGenerator<SourceRecord[], void> {
  let header: (string | null)[] | null = null;
  for await (const records of batches) {
    if (header === null) {
      const first = records.shift();
      if (!first) continue;
      header = names.ofHeader(headerValues(first, name));
    }
    const columns = header;
    yield records.map((record) => ('problem' in record ? record : toFields(record.line, record.values, columns)));
  }
}

function headerValues(first: CsvRecord, name: string): string[] {
  if ('values' in first) return first.values;
  throw new InvalidInputError(`${name}, header: ${first.problem}`, 'path');
}

/** The values by column, without those of null columns. */
export function toFields(line: number, values: readonly string[], header: readonly (string | null)[]): SourceRecord {
  if (values.length !== header.length)
    return { line, problem: `the row has ${values.length} values, the header ${header.length} columns` };
  const fields: Fields = {};
  header.forEach((column, i) => {
    const value = values[i]?.trim();
    if (column !== null && value !== '') fields[column] = value;
  });
  return { line, fields };
}

async function* jsonRecords(
  batches: AsyncIterable<JsonObject[]>,
  names: ColumnNames,
  name: string,
): AsyncGenerator<SourceRecord[], void> {
  let isFirst = true;
  for await (const objects of batches) {
    const first = objects[0];
    if (isFirst && first && 'fields' in first) checkFormat(first, names, name);
    if (first) isFirst = false;
    yield objects.map((object) => ('problem' in object ? object : renamed(object, names)));
  }
  if (!isFirst) names.checkRenamed();
}

/** A file of another format would otherwise be reported as one bad row per row. */
function checkFormat({ line, fields }: { line: number; fields: Fields }, names: ColumnNames, name: string): void {
  const columns = names.ofRow(Object.keys(fields));
  const hint = names.hint(Object.keys(fields));
  if ('problem' in columns && hint !== '')
    throw new InvalidInputError(`${name}:${line}: ${columns.problem}${hint}`, 'path');
}

function renamed({ line, fields }: { line: number; fields: Fields }, names: ColumnNames): SourceRecord {
  const columns = names.ofRow(Object.keys(fields));
  if ('problem' in columns) return { line, problem: columns.problem };
  const ours: Fields = {};
  Object.values(fields).forEach((value, i) => {
    const column = columns.names[i];
    if (column != null) ours[column] = value;
  });
  return { line, fields: ours };
}
