import { f64 } from '../../lib/typed-arrays.ts';
import type { SparseRows, TimeScale } from '../math/sparse-rows.ts';
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
  /** Further weights with the same numbers, of faster scales. */
  faster: readonly TimeScale[];
  /** For tracks unknown to training. Null in versions that have not learned it. */
  content: ContentWeights | null;
}

export const noWeights: ItemWeights = {
  ids: new Float64Array(),
  starts: new Uint32Array(1),
  columns: new Uint32Array(),
  values: new Float32Array(),
  recency: 1,
  faster: [],
  content: null,
};

/** "CDZW" and the format's number. */
const MAGIC = 0x43445a57;
const FORMAT = 5;
/** Bytes. */
const HEADER = 40;
/** Bytes of a faster scale in the table after the header: its decay as a double, its entries, and four unused ones. */
const SCALE = 16;
/**
 * Older formats that are still in databases: without recency, without features, without what comes next, and with that
 * as the only faster scale.
 */
const HEADER_BYTES: Readonly<Record<number, number>> = { 1: 16, 2: 24, 3: 40, 4: 40, [FORMAT]: HEADER };

/**
 * Header (magic, format, rows, entries, recency as a double, features, their entries, bytes of their names, number of
 * faster scales), the table of these, then ids, starts, columns, values; starts, columns and values of each faster
 * scale; and starts, columns, values and names, one per line, of the features. All are little-endian, as on every
 * supported platform.
 */
export function serialiseWeights({ ids, starts, columns, values, recency, faster, content }: ItemWeights): Buffer {
  const header = Buffer.alloc(HEADER + SCALE * faster.length);
  const features = content ?? {
    names: [],
    starts: new Uint32Array(1),
    columns: new Uint32Array(),
    values: new Float32Array(),
  };
  const names = Buffer.from(features.names.join('\n'));
  [MAGIC, FORMAT, ids.length, columns.length].forEach((word, i) => header.writeUInt32LE(word, 4 * i));
  header.writeDoubleLE(recency, 16);
  const counts = [features.names.length, features.columns.length, names.length, faster.length];
  counts.forEach((word, i) => header.writeUInt32LE(word, 24 + 4 * i));
  faster.forEach((scale, s) => {
    header.writeDoubleLE(scale.decay, HEADER + SCALE * s);
    header.writeUInt32LE(scale.columns.length, HEADER + SCALE * s + 8);
  });
  const scaled = faster.flatMap((scale) => [scale.starts, scale.columns, scale.values]);
  const numbers = [ids, starts, columns, values, ...scaled, features.starts, features.columns, features.values];
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
  const [features = 0, said = 0, nameBytes = 0, more = 0] = format > 2 ? new Uint32Array(data, 24, 4) : [];
  const table = format === FORMAT ? SCALE * more : 0;
  if (data.byteLength < header + table) throw new Error(UNKNOWN);
  const sizes = format === FORMAT ? scalesIn(data, more) : more > 0 ? [{ decay: NEWEST_ONLY, entries: more }] : [];
  const idsAt = header + table;
  let at = idsAt + 8 * rows + sizeOf(rows, entries);
  const places = sizes.map(({ decay, entries: own }) => {
    const place = { decay, from: at, entries: own };
    at += sizeOf(rows, own);
    return place;
  });
  if (data.byteLength !== at + (format > 2 ? sizeOf(features, said) + nameBytes : 0)) throw new Error(UNKNOWN);
  const names = new TextDecoder().decode(new Uint8Array(data, data.byteLength - nameBytes));
  return {
    ids: new Float64Array(data, idsAt, rows),
    ...rowsAt(data, idsAt + 8 * rows, rows, entries),
    recency: format === 1 ? 1 : f64(new Float64Array(data, 16, 1), 0),
    faster: places.map(({ decay, from, entries: own }) => ({ decay, ...rowsAt(data, from, rows, own) })),
    content: features > 0 ? { names: names.split('\n'), ...rowsAt(data, at, features, said) } : null,
  };
}

/** What counted in the fourth format was only the newest liked track: a scale without any memory. */
const NEWEST_ONLY = 0;

function scalesIn(data: ArrayBuffer, count: number): { decay: number; entries: number }[] {
  const view = new DataView(data);
  return Array.from({ length: count }, (_, s) => {
    const at = HEADER + SCALE * s;
    return { decay: view.getFloat64(at, true), entries: view.getUint32(at + 8, true) };
  });
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
