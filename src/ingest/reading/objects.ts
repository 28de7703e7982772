import { InvalidInputError } from '../../lib/errors.ts';
import { readContent } from './content.ts';
import type { CsvRecord } from './csv.ts';
import { formatHint } from './format-hint.ts';
import type { JsonObject } from './json.ts';

/** The objects that a file should contain. */
export interface ObjectKind {
  /** For example `a Spotify export`. */
  named: string;
  /** Keys of which the first object must have one. */
  marks: readonly string[];
}

/**
 * Reads JSON objects, one per line or in an array, with any other keys.
 * @throws InvalidInputError if the first object shows that the file is of another format
 */
export async function* readObjects(
  chunks: AsyncGenerator<Buffer, void>,
  file: string,
  kind: ObjectKind,
): AsyncGenerator<JsonObject[], void> {
  const content = await readContent(chunks, file);
  if (content.kind === 'csv') throw refusal(file, kind, await firstValues(content.batches));
  let isFirst = true;
  for await (const batch of content.batches) {
    const [first] = batch;
    if (isFirst && first) checkFirst(first, file, kind);
    if (first) isFirst = false;
    yield batch;
  }
}

async function firstValues(batches: AsyncIterable<CsvRecord[]>): Promise<string[]> {
  for await (const [first] of batches) if (first) return 'values' in first ? first.values : [];
  return [];
}

function checkFirst(first: JsonObject, file: string, kind: ObjectKind): void {
  if ('problem' in first) return;
  const keys = Object.keys(first.fields);
  if (!kind.marks.some((mark) => keys.includes(mark))) throw refusal(`${file}:${first.line}`, kind, keys);
}

function refusal(where: string, { named, marks }: ObjectKind, columns: readonly string[]): InvalidInputError {
  const hint = formatHint(columns, marks);
  return new InvalidInputError(`${where} is not ${named}, of which each row has ${marks.join(' or ')}${hint}`, 'path');
}
