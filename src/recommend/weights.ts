/** Item–item weights, sparse: `row(h)` says by how much having heard track h speaks for, or against, each other track. */
export interface ItemWeights {
  /** Track ids by row and column number. */
  ids: Float64Array;
  /** Row r is `columns[starts[r] … starts[r + 1]]`. */
  starts: Uint32Array;
  columns: Uint32Array;
  values: Float32Array;
}

export const noWeights: ItemWeights = {
  ids: new Float64Array(),
  starts: new Uint32Array(1),
  columns: new Uint32Array(),
  values: new Float32Array(),
};

/** "CDZW" and the format's number. */
const MAGIC = 0x43445a57;
const FORMAT = 1;
const HEADER_BYTES = 16;

/** Header (magic, format, rows, entries), then ids, starts, columns, values; all little-endian, as on every platform we run on. */
export function serialiseWeights({ ids, starts, columns, values }: ItemWeights): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  [MAGIC, FORMAT, ids.length, columns.length].forEach((word, i) => header.writeUInt32LE(word, 4 * i));
  const parts = [ids, starts, columns, values].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return Buffer.concat([header, ...parts]);
}

/** @throws Error when the bytes are not such weights */
export function parseWeights(bytes: Uint8Array): ItemWeights {
  // A copy of its own: views of typed arrays need alignment, which a slice of the driver's buffer does not promise.
  const data = new Uint8Array(bytes).buffer;
  const [magic, format, rows = 0, entries = 0] = new Uint32Array(data, 0, HEADER_BYTES / 4);
  const expected = HEADER_BYTES + 8 * rows + 4 * (rows + 1) + 8 * entries;
  if (magic !== MAGIC || format !== FORMAT || data.byteLength !== expected) {
    throw new Error('These are not recommender weights, or of a format that this version does not know');
  }
  const startsAt = HEADER_BYTES + 8 * rows;
  const columnsAt = startsAt + 4 * (rows + 1);
  return {
    ids: new Float64Array(data, HEADER_BYTES, rows),
    starts: new Uint32Array(data, startsAt, rows + 1),
    columns: new Uint32Array(data, columnsAt, entries),
    values: new Float32Array(data, columnsAt + 4 * entries, entries),
  };
}
