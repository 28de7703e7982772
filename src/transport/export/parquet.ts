import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { ExportColumn, ExportRow, ExportValue } from '../../recommend/recommender.ts';

/** An export as Parquet, one row group for each batch: of what was written only the groups' places are kept. */
export async function* toParquet(
  columns: readonly ExportColumn[],
  batches: AsyncIterable<readonly ExportRow[]>,
): AsyncGenerator<Buffer> {
  const bytes = new ByteWriter();
  const schema: SchemaElement[] = [{ name: 'root', num_children: columns.length }, ...columns.map(elementOf)];
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'Cadenza' });
  for await (const rows of batches) {
    if (rows.length === 0) continue;
    await writer.write({ columnData: columns.map((column) => columnOf(column, rows)), rowGroupSize: rows.length });
    yield taken(bytes);
  }
  await writer.finish();
  yield taken(bytes);
}

function elementOf({ name, type, isNullable = false }: ExportColumn): SchemaElement {
  const repetition_type = isNullable ? 'OPTIONAL' : 'REQUIRED';
  switch (type) {
    case 'text':
      return { name, repetition_type, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'integer':
      return { name, repetition_type, type: 'INT64' };
    case 'real':
      return { name, repetition_type, type: 'DOUBLE' };
    case 'time':
      return {
        ...{ name, repetition_type, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      };
  }
}

function columnOf({ name, type }: ExportColumn, rows: readonly ExportRow[]): ColumnSource {
  return { name, data: rows.map((row) => valueOf(row[name] ?? null, type)) };
}

function valueOf(value: ExportValue, type: ExportColumn['type']): ExportValue | bigint {
  if (type !== 'integer' || value === null) return value;
  return BigInt(Number(value));
}

/** What was written since the last time, for whoever reads the stream. */
function taken(bytes: ByteWriter): Buffer {
  const written = Buffer.from(bytes.getBytes());
  bytes.index = 0;
  return written;
}
