import { InvalidInputError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { CsvReader } from './csv.ts';
import { readLines, type Line, type Problem } from './lines.ts';

/** The columns of a format. Their order in a file is free; what is absent or empty is undefined. */
export interface Columns {
  required: readonly string[];
  optional: readonly string[];
}

/** Values as the file gives them: strings from CSV, any JSON from JSONL. */
export type Fields = Record<string, unknown>;
export type SourceRecord = { line: number; fields: Fields } | Problem;

/**
 * Reads CSV with a header or JSONL (its first character is `{`) as records with just these columns, a batch for each
 * chunk. @throws InvalidInputError when the header is wrong: then no row can be right
 */
export async function* readRecords(
  chunks: AsyncIterable<Buffer>,
  columns: Columns,
  name: string,
): AsyncGenerator<SourceRecord[], void> {
  let reader: RecordReader | null = null;
  for await (const lines of readLines(chunks)) {
    reader ??= startReader(lines, columns, name);
    const records = reader?.push(lines) ?? [];
    if (records.length > 0) yield records;
  }
  if (!reader) throw new InvalidInputError(`${name} holds no rows`, 'path');
  yield reader.end();
}

interface RecordReader {
  push(lines: readonly Line[]): SourceRecord[];
  end(): SourceRecord[];
}

/** Null while only blank lines have been seen. */
function startReader(lines: readonly Line[], columns: Columns, name: string): RecordReader | null {
  const first = lines.find((line) => 'problem' in line || line.text.trim() !== '');
  if (!first) return null;
  if ('problem' in first)
    throw new InvalidInputError(`${name} is not text: line ${first.line}: ${first.problem}`, 'path');
  return first.text.trimStart().startsWith('{') ? jsonReader(columns) : csvReader(columns, name);
}

function csvReader(columns: Columns, name: string): RecordReader {
  const csv = new CsvReader();
  let header: string[] | null = null;
  const toRecords = (records: ReturnType<CsvReader['push']>): SourceRecord[] => {
    if (header === null) {
      const first = records.shift();
      if (!first) return [];
      if ('problem' in first) throw new InvalidInputError(`${name}, header: ${first.problem}`, 'path');
      header = checkHeader(first.values, columns, name);
    }
    const names = header;
    return records.map((record) => ('problem' in record ? record : toFields(record.line, record.values, names)));
  };
  return {
    push: (lines) => toRecords(csv.push(lines)),
    end: () => toRecords(csv.end()),
  };
}

function checkHeader(values: readonly string[], columns: Columns, name: string): string[] {
  const header = values.map((value) => value.trim());
  const where = `${name}, header:`;
  for (const [i, column] of header.entries()) {
    const problem = unknownColumn(column, columns);
    if (problem) throw new InvalidInputError(`${where} ${problem}`, 'path');
    if (header.indexOf(column) < i) throw new InvalidInputError(`${where} column "${column}" occurs twice`, 'path');
  }
  const missing = columns.required.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new InvalidInputError(`${where} column "${missing.join('", "')}" is missing`, 'path');
  return header;
}

function unknownColumn(column: string, { required, optional }: Columns): string | null {
  const known = [...required, ...optional];
  if (known.includes(column)) return null;
  const meant = nearest(column, known);
  return `unknown column "${column.slice(0, 50)}"${meant ? `; did you mean "${meant}"?` : `; known are ${known.join(', ')}`}`;
}

function toFields(line: number, values: readonly string[], header: readonly string[]): SourceRecord {
  if (values.length !== header.length) {
    return { line, problem: `the row has ${values.length} values, the header ${header.length} columns` };
  }
  const fields: Fields = {};
  header.forEach((column, i) => {
    if (values[i] !== '') fields[column] = values[i];
  });
  return { line, fields };
}

function jsonReader(columns: Columns): RecordReader {
  return {
    push: (lines) => lines.flatMap((line) => jsonRecord(line, columns) ?? []),
    end: () => [],
  };
}

function jsonRecord(line: Line, columns: Columns): SourceRecord | null {
  if ('problem' in line) return line;
  if (line.text.trim() === '') return null;
  const value = parseJson(line.text);
  if (value instanceof SyntaxError) return { line: line.line, problem: `the line is not JSON: ${value.message}` };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line: line.line, problem: 'the line is not a JSON object' };
  }
  for (const column of Object.keys(value)) {
    const problem = unknownColumn(column, columns);
    if (problem) return { line: line.line, problem };
  }
  return { line: line.line, fields: value as Fields };
}

/** @returns the SyntaxError in place of a value that is none */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
