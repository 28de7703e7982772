import {
  type CatalogueMark,
  type CatalogueRow,
  emptyMark,
  readCatalogueChanges,
} from '../../db/catalogue/catalogue-changes.ts';
import type { Database } from '../../db/client.ts';
import { inSlices, type Sliced } from '../../lib/async/slices.ts';
import { byCodePoint } from '../../lib/text/code-points.ts';
import { Descriptions } from './descriptions.ts';
import { createSnapshot, type DescribedTrack, type Snapshot, withTracks } from './snapshot.ts';

interface Entry extends DescribedTrack {
  externalId: string;
  /** Whether more listeners reject the track than hear it. */
  isLast: boolean;
}

/** One state of the catalogue. */
interface State {
  mark: CatalogueMark;
  made: Descriptions;
  /** In the order of the index. */
  entries: readonly Entry[];
  byId: Map<number, Entry>;
  snapshot: Snapshot | null;
}

const beginning = (): State => ({
  ...{ mark: emptyMark, made: new Descriptions(), entries: [], byId: new Map(), snapshot: null },
});

/** The changes do not fit the state in memory: tracks were removed, or the database was replaced. */
class StartOver extends Error {}

/**
 * The catalogue in memory. It applies changes in slices, so requests are served meanwhile. If only popularity or withdrawals
 * have changed, everything derived from the tracks is kept.
 */
export class CatalogueIndex {
  readonly #database: Database;
  readonly #signal: AbortSignal;
  #state = beginning();

  constructor(database: Database, signal: AbortSignal) {
    this.#database = database;
    this.#signal = signal;
  }

  /** The mark of the newest snapshot. */
  get mark(): CatalogueMark {
    return this.#state.mark;
  }

  /** Must not be called again before it has settled. Returns the same snapshot if nothing has changed. */
  async refresh(): Promise<Snapshot> {
    try {
      return await this.#advance(this.#state);
    } catch (error) {
      if (!(error instanceof StartOver)) throw error;
      return this.#advance(beginning());
    }
  }

  async #advance(before: State): Promise<Snapshot> {
    const changed: Entry[] = [];
    const mark = await readCatalogueChanges(this.#database, before.mark, async (rows) => {
      await inSlices(toEntries(rows, before, changed), this.#signal);
    });
    if (mark.revision < before.mark.revision) throw new StartOver();
    if (before.snapshot && changed.length === 0 && mark.tracks === before.mark.tracks) return before.snapshot;
    const { snapshot, ...state } = await inSlices(advanced(before, changed, mark), this.#signal);
    this.#state = { ...state, snapshot };
    return snapshot;
  }
}

function* toEntries(rows: readonly CatalogueRow[], { made, byId }: State, entries: Entry[]): Sliced<void> {
  for (const { externalId, description: parts, ...row } of rows) {
    const description = parts ? made.describe(row, parts) : byId.get(row.id)?.description;
    if (!description) throw new StartOver();
    const isLast = row.rejecters > (row.allTimeListeners ?? row.recentListeners);
    const { artistIds, genreSlugs } = description;
    entries.push({ externalId, isLast, description, track: { ...row, artistIds, genreSlugs } });
    yield;
  }
}

function* advanced(
  before: State,
  changed: readonly Entry[],
  mark: CatalogueMark,
): Sliced<State & { snapshot: Snapshot }> {
  const { made, byId } = before;
  for (const entry of changed) {
    byId.set(entry.track.id, entry);
    yield;
  }
  if (byId.size !== mark.tracks) throw new StartOver();
  const entries = yield* merged(before.entries, changed);
  const isSame = before.snapshot !== null && (yield* isMadeOfTheSame(before.entries, entries));
  const snapshot =
    isSame && before.snapshot
      ? withTracks(
          before.snapshot,
          entries.map(({ track }) => track),
          stateOf(mark),
        )
      : null;
  return { mark, made, entries, byId, snapshot: snapshot ?? (yield* createSnapshot(entries, made, stateOf(mark))) };
}

const stateOf = ({ revision, tracks }: CatalogueMark): string => `${revision} ${tracks}`;

/** @param changed in the order of the index */
function* merged(before: readonly Entry[], changed: readonly Entry[]): Sliced<Entry[]> {
  const replaced = new Set(changed.map(({ track }) => track.id));
  const entries: Entry[] = [];
  let at = 0;
  for (const entry of before) {
    yield;
    if (replaced.has(entry.track.id)) continue;
    for (let next = changed[at]; next && isBefore(next, entry); next = changed[++at]) entries.push(next);
    entries.push(entry);
  }
  for (const entry of changed.slice(at)) entries.push(entry);
  return entries;
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.isLast === b.isLast ? byCodePoint(a.externalId, b.externalId) < 0 : b.isLast;

function* isMadeOfTheSame(before: readonly Entry[], after: readonly Entry[]): Sliced<boolean> {
  if (before.length !== after.length) return false;
  for (const [at, { track, description }] of after.entries()) {
    const known = before[at];
    if (known?.track.id !== track.id || known.description !== description) return false;
    yield;
  }
  return true;
}
