/** Item–item weights, sparse: `row(h)` says by how much having heard track h speaks for, or against, each other track. */
export interface ItemWeights {
  /** Track ids by row and column number. */
  ids: Float64Array;
  /** Row r is `columns[starts[r] … starts[r + 1]]`. */
  starts: Uint32Array;
  columns: Uint32Array;
  values: Float32Array;
  /** Of a listener's history each track counts this much of the one after it: 1 where order says nothing. */
  recency: number;
}

export const noWeights: ItemWeights = {
  ids: new Float64Array(),
  starts: new Uint32Array(1),
  columns: new Uint32Array(),
  values: new Float32Array(),
  recency: 1,
};

/** "CDZW" and the format's number. */
const MAGIC = 0x43445a57;
const FORMAT = 2;
const HEADER_BYTES = 24;
/** Without recency; still in databases of before. */
const FIRST_FORMAT = 1;
const FIRST_HEADER_BYTES = 16;

/**
 * Header (magic, format, rows, entries, recency as a double), then ids, starts, columns, values; all little-endian, as on
 * every platform we run on.
 */
export function serialiseWeights({ ids, starts, columns, values, recency }: ItemWeights): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  [MAGIC, FORMAT, ids.length, columns.length].forEach((word, i) => header.writeUInt32LE(word, 4 * i));
  header.writeDoubleLE(recency, 16);
  const parts = [ids, starts, columns, values].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return Buffer.concat([header, ...parts]);
}

const UNKNOWN = 'These are not recommender weights, or of a format that this version does not know';

/** @throws Error when the bytes are not such weights */
export function parseWeights(bytes: Uint8Array): ItemWeights {
  // A copy of its own: views of typed arrays need alignment, which a slice of the driver's buffer does not promise.
  const data = new Uint8Array(bytes).buffer;
  if (data.byteLength < HEADER_BYTES) throw new Error(UNKNOWN);
  const [magic, format, rows = 0, entries = 0] = new Uint32Array(data, 0, 4);
  const header = format === FIRST_FORMAT ? FIRST_HEADER_BYTES : HEADER_BYTES;
  const expected = header + 8 * rows + 4 * (rows + 1) + 8 * entries;
  if (magic !== MAGIC || (format !== FORMAT && format !== FIRST_FORMAT) || data.byteLength !== expected) {
    throw new Error(UNKNOWN);
  }
  const startsAt = header + 8 * rows;
  const columnsAt = startsAt + 4 * (rows + 1);
  return {
    ids: new Float64Array(data, header, rows),
    starts: new Uint32Array(data, startsAt, rows + 1),
    columns: new Uint32Array(data, columnsAt, entries),
    values: new Float32Array(data, columnsAt + 4 * entries, entries),
    recency: format === FORMAT ? (new Float64Array(data, 16, 1)[0] ?? 1) : 1,
  };
}
