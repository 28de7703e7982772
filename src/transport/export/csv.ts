import { csvCell } from '../../lib/text/csv-cell.ts';
import type { ExportColumn, ExportRow } from '../../recommend/recommender.ts';

/** An export as CSV (RFC 4180) in UTF-8, with a line of names. What is null is empty. */
export async function* toCsv(
  columns: readonly ExportColumn[],
  batches: AsyncIterable<readonly ExportRow[]>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${columns.map(({ name }) => name).join(',')}\r\n`);
  for await (const rows of batches) {
    const lines = rows.map((row) => columns.map(({ name }) => csvCell(row[name] ?? null)).join(','));
    yield Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
  }
}
