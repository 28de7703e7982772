import type { Transaction } from '../connection/transaction.ts';
import { copyRows, type CopyValue } from './import-copy.ts';
import { NameNumbers } from './name-numbers.ts';

/** A validated feedback row of a source. */
export interface StagedFeedback {
  /** External ids. */
  listener: string;
  track: string;
  kind: 'PLAY' | 'COMPLETE' | 'LIKE' | 'SAVE' | 'SKIP' | 'DISLIKE' | 'HIDE';
  plays: number;
  listenedMs: number | null;
  at: Date;
  /** Whether the source gave a time. Otherwise `at` is the import's. */
  timed: boolean;
  /** Identifies the row in later imports. If null, listener, kind, time and track do. */
  key: string | null;
  /**
   * Whether the row is imprecise, so that the same row of another source, in this import or an earlier one, takes
   * precedence.
   */
  coarse?: boolean;
}

/** A row and its line in the file. */
interface NumberedRow {
  line: number;
  row: StagedFeedback;
}

/** Rows of one COPY, and fresh names at which it ends early: the names of its rows are staged after it. */
const COPY_ROWS = 1_000_000;
const COPY_NAMES = 50_000;

/**
 * Temporary tables, which are not logged. Listeners and tracks are numbers in the rows; their external ids are beside them,
 * and one that occurs again after very many others has several numbers.
 */
export async function createFeedbackStaging(tx: Transaction): Promise<void> {
  await tx`create temp table staged_feedback (
    line bigint, listener int, track int, kind feedback_kind, plays int, listened_ms int, at_ms bigint, timed boolean, key text,
    coarse boolean
  ) on commit drop`;
  await tx`create temp table staged_listener_names (number int, name text) on commit drop`;
  await tx`create temp table staged_track_names (number int, name text) on commit drop`;
}

/** Stages rows with the names in them. */
export async function copyFeedback(
  tx: Transaction,
  batches: AsyncIterable<readonly NumberedRow[]>,
  names = { listeners: new NameNumbers(), tracks: new NameNumbers() },
): Promise<void> {
  const source = new Stretches(batches);
  try {
    while (!source.isDone) {
      const target = 'staged_feedback (line, listener, track, kind, plays, listened_ms, at_ms, timed, key, coarse)';
      await copyRows(tx, target, copiedStretch(source, names));
      await copyNames(tx, 'staged_listener_names', names.listeners);
      await copyNames(tx, 'staged_track_names', names.tracks);
    }
  } finally {
    await source.end();
  }
}

/** Batches that are read on by one COPY after another. */
class Stretches {
  readonly #source: AsyncIterator<readonly NumberedRow[], unknown>;
  isDone = false;

  constructor(batches: AsyncIterable<readonly NumberedRow[]>) {
    this.#source = batches[Symbol.asyncIterator]();
  }

  /** Null at the end. */
  async next(): Promise<readonly NumberedRow[] | null> {
    const result = await this.#source.next();
    if (result.done !== true) return result.value;
    this.isDone = true;
    return null;
  }

  async end(): Promise<void> {
    await this.#source.return?.();
  }
}

type Names = Record<'listeners' | 'tracks', NameNumbers>;

/** As many batches as one COPY takes. */
async function* copiedStretch(source: Stretches, names: Names): AsyncGenerator<CopyValue[][], void> {
  for (let rows = 0; rows < COPY_ROWS && freshNames(names) < COPY_NAMES;) {
    const batch = await source.next();
    if (!batch) return;
    rows += batch.length;
    yield batch.map((numbered) => copyValues(numbered, names));
  }
}

const freshNames = ({ listeners, tracks }: Names): number => listeners.freshCount + tracks.freshCount;

function copyValues({ line, row }: NumberedRow, { listeners, tracks }: Names): CopyValue[] {
  const { listener, track, kind, plays, listenedMs, at, timed, key, coarse = false } = row;
  const who = [line, listeners.numberOf(listener), tracks.numberOf(track)];
  return [...who, kind, plays, listenedMs, at.getTime(), timed, key, coarse];
}

async function copyNames(tx: Transaction, table: string, names: NameNumbers): Promise<void> {
  const fresh = names.takeFresh();
  if (fresh.length === 0) return;
  const rows = (async function* () {
    yield await Promise.resolve(fresh.map(({ number, name }) => [number, name]));
  })();
  await copyRows(tx, `${table} (number, name)`, rows);
}

/** Removes the rows of unknown tracks from the staging table and reports each. */
export async function takeUnknownTracks(
  tx: Transaction,
  tell: (row: { line: number; track: string }) => void,
): Promise<void> {
  await tx`create temp table unknown_tracks on commit drop as
    select number, name from staged_track_names n where not exists (select from tracks t where t.external_id = n.name)`;
  const [some] = await tx<{ exist: boolean }[]>`select exists (select from unknown_tracks) as exist`;
  if (!some?.exist) return;
  await tx`analyze staged_feedback, unknown_tracks`;
  const unknown = tx<{ line: string; track: string }[]>`
    select s.line, u.name as track from staged_feedback s join unknown_tracks u on u.number = s.track order by s.line`;
  for await (const rows of unknown.cursor(1000)) {
    for (const { line, track } of rows) tell({ line: Number(line), track });
  }
  await tx`delete from staged_feedback s using unknown_tracks u where u.number = s.track`;
}
