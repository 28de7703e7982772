import { f64 } from '../../lib/typed-arrays.ts';
import type { SparseRows } from '../math/sparse-rows.ts';
import type { ContentWeights } from './content-weights.ts';

/** Sparse item–item weights: `row(h)` says how much having heard track h speaks for or against each other track. */
export interface ItemWeights {
  /** Track ids by row and column number. */
  ids: Float64Array;
  /** Row r is `columns[starts[r] … starts[r + 1]]`. */
  starts: Uint32Array;
  columns: Uint32Array;
  values: Float32Array;
  /** Each track of a history counts this much of the one after it. 1 if order has no effect. */
  recency: number;
  /**
   * What comes right after the newest liked track, already weighted, with the same numbers. Null if it does not count.
   */
  next: SparseRows | null;
  /** For tracks unknown to training. Null in versions that have not learned it. */
  content: ContentWeights | null;
}

export const noWeights: ItemWeights = {
  ids: new Float64Array(),
  starts: new Uint32Array(1),
  columns: new Uint32Array(),
  values: new Float32Array(),
  recency: 1,
  next: null,
  content: null,
};

/** "CDZW" and the format's number. */
const MAGIC = 0x43445a57;
const FORMAT = 4;
/** Bytes. */
const HEADER = 40;
/** Older formats that are still in databases: without recency, without features, without what comes next. */
const HEADER_BYTES: Readonly<Record<number, number>> = { 1: 16, 2: 24, 3: 40, [FORMAT]: HEADER };

/**
 * Header (magic, format, rows, entries, recency as a double, features, their entries, bytes of their names, entries of
 * what comes next), then ids, starts, columns, values; if there are entries of what comes next, its starts, columns and
 * values; and starts, columns, values and names, one per line, of the features. All are little-endian, as on every
 * supported platform.
 */
export function serialiseWeights({ ids, starts, columns, values, recency, next, content }: ItemWeights): Buffer {
  const header = Buffer.alloc(HEADER);
  const features = content ?? {
    names: [],
    starts: new Uint32Array(1),
    columns: new Uint32Array(),
    values: new Float32Array(),
  };
  const names = Buffer.from(features.names.join('\n'));
  [MAGIC, FORMAT, ids.length, columns.length].forEach((word, i) => header.writeUInt32LE(word, 4 * i));
  header.writeDoubleLE(recency, 16);
  const counted = next && next.columns.length > 0 ? next : null;
  const counts = [features.names.length, features.columns.length, names.length, counted ? counted.columns.length : 0];
  counts.forEach((word, i) => header.writeUInt32LE(word, 24 + 4 * i));
  const after = counted ? [counted.starts, counted.columns, counted.values] : [];
  const numbers = [ids, starts, columns, values, ...after, features.starts, features.columns, features.values];
  const parts = numbers.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  return Buffer.concat([header, ...parts, names]);
}

const UNKNOWN = 'These are not recommender weights, or of a format that this version does not know';

/** @throws Error if the bytes are not weights */
export function parseWeights(bytes: Uint8Array): ItemWeights {
  // A copy, because typed arrays need alignment, which a slice of the driver's buffer does not guarantee.
  const data = new Uint8Array(bytes).buffer;
  if (data.byteLength < 16) throw new Error(UNKNOWN);
  const [magic, format = 0, rows = 0, entries = 0] = new Uint32Array(data, 0, 4);
  const header = HEADER_BYTES[format];
  if (magic !== MAGIC || header === undefined || data.byteLength < header) throw new Error(UNKNOWN);
  const [features = 0, said = 0, nameBytes = 0, after = 0] = format > 2 ? new Uint32Array(data, 24, 4) : [];
  const nextAt = header + 8 * rows + sizeOf(rows, entries);
  const contentAt = nextAt + (after > 0 ? sizeOf(rows, after) : 0);
  if (data.byteLength !== contentAt + (format > 2 ? sizeOf(features, said) + nameBytes : 0)) throw new Error(UNKNOWN);
  const names = new TextDecoder().decode(new Uint8Array(data, data.byteLength - nameBytes));
  return {
    ids: new Float64Array(data, header, rows),
    ...rowsAt(data, header + 8 * rows, rows, entries),
    recency: format === 1 ? 1 : f64(new Float64Array(data, 16, 1), 0),
    next: after > 0 ? rowsAt(data, nextAt, rows, after) : null,
    content: features > 0 ? { names: names.split('\n'), ...rowsAt(data, contentAt, features, said) } : null,
  };
}

/** Number of bytes of sparse rows. */
const sizeOf = (rows: number, entries: number): number => 4 * (rows + 1) + 8 * entries;

function rowsAt(data: ArrayBuffer, from: number, rows: number, entries: number): SparseRows {
  const columnsAt = from + 4 * (rows + 1);
  return {
    starts: new Uint32Array(data, from, rows + 1),
    columns: new Uint32Array(data, columnsAt, entries),
    values: new Float32Array(data, columnsAt + 4 * entries, entries),
  };
}
