import {
  type AllowedRange,
  type ExportRange,
  type ImpressionPage,
  type ListPlace,
  selectClicks,
  selectFeedback,
  selectFirstFeedback,
  selectImpressions,
} from '../../db/analytics/export-queries.ts';
import type { Database } from '../../db/client.ts';
import type { Transaction } from '../../db/connection/transaction.ts';
import type { ExportKind, ExportRow } from './contract.ts';

export interface ExportColumn {
  name: string;
  type: 'text' | 'integer' | 'real' | 'time';
  isNullable?: boolean;
}

/** Number of lists, and of events, that are read at once. */
const LISTS = 500;
const EVENTS = 5_000;
/** Time limit of one page. */
const MOST_MS = 60_000;

const listener: ExportColumn = { name: 'listener', type: 'text' };
const track: ExportColumn = { name: 'track', type: 'text' };
const ofList: readonly ExportColumn[] = [
  { name: 'servedAt', type: 'time' },
  { name: 'surface', type: 'text' },
  { name: 'modelVersion', type: 'text' },
  { name: 'position', type: 'integer' },
];
const ofFeedback: readonly ExportColumn[] = [
  ...[{ name: 'id', type: 'integer' } as const, listener, track, { name: 'kind', type: 'text' } as const],
  { name: 'plays', type: 'integer' },
  { name: 'listenedMs', type: 'integer', isNullable: true },
  { name: 'at', type: 'time' },
  { name: 'requestId', type: 'text', isNullable: true },
];

/** The columns of each export, in their order. */
export const exportColumns: Readonly<Record<ExportKind, readonly ExportColumn[]>> = {
  lists: [
    ...[{ name: 'requestId', type: 'text' } as const, listener, ...ofList, track],
    { name: 'propensity', type: 'real' },
    { name: 'reason', type: 'text' },
    { name: 'reasonOf', type: 'text', isNullable: true },
  ],
  clicks: [...ofFeedback, ...ofList],
  feedback: ofFeedback,
};

/** Reads over a connection for reading, which a long export shares with whatever else analysts ask. */
type Read = <Result>(read: (tx: Transaction) => Promise<Result>) => Promise<Result>;

/**
 * The rows of an export in batches, so that memory does not grow with it, without those of who does not allow analytics. Each is read when it is wanted, and no more
 * once the signal aborts.
 */
export async function* exportRows(
  database: Database,
  kind: ExportKind,
  range: ExportRange,
  signal: AbortSignal,
): AsyncGenerator<readonly ExportRow[]> {
  const { consentUnlessSaid } = database;
  const allowed = { ...range, consentUnlessSaid };
  const read: Read = (page) => database.asOfOneMoment({ signal, mostMs: MOST_MS }, page);
  if (kind === 'lists') yield* impressions(read, allowed);
  else yield* events(read, kind, allowed);
}

async function* impressions(read: Read, range: AllowedRange): AsyncGenerator<readonly ExportRow[]> {
  for (let after: ListPlace | null = null; ;) {
    const from: ListPlace | null = after;
    const { rows, last }: ImpressionPage = await read((tx) => selectImpressions(tx, range, from, LISTS));
    if (last === null) return;
    after = last;
    yield rows.map((row) => ({ ...row, servedAt: new Date(row.servedAt) }));
  }
}

async function* events(
  read: Read,
  kind: 'clicks' | 'feedback',
  range: AllowedRange,
): AsyncGenerator<readonly ExportRow[]> {
  let after = await read((tx) => selectFirstFeedback(tx, range));
  while (after !== null) {
    const from = after;
    const rows = await read((tx) => page(tx, kind, range, from));
    if (rows.length > 0) yield rows;
    after = rows.length < EVENTS ? null : Number(rows.at(-1)?.id);
  }
}

async function page(tx: Transaction, kind: 'clicks' | 'feedback', range: AllowedRange, after: number) {
  if (kind === 'feedback') {
    const rows = await selectFeedback(tx, range, after, EVENTS);
    return rows.map((row) => ({ ...row, at: new Date(row.at) }));
  }
  const rows = await selectClicks(tx, range, after, EVENTS);
  return rows.map((row) => ({ ...row, at: new Date(row.at), servedAt: new Date(row.servedAt) }));
}
