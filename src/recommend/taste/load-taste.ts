import type { Database } from '../../db/client.ts';
import type { ReactionRow } from '../../db/recommend/recommend-queries.ts';
import {
  type FeedbackMark,
  type MarkedReactions,
  newestFirst,
  selectNewReactions,
  selectReactions,
} from '../../db/recommend/taste-queries.ts';
import type { Listeners } from '../../listeners/listeners.ts';
import { currentReactions } from './strengths.ts';
import type { KnownTaste } from './taste.ts';

/** Maximum number of history rows to read. Older tracks count neither as reasons nor as heard. */
const HISTORY_ROWS = 5_000;

/** A taste, and what is needed to update it. */
export interface LoadedTaste {
  taste: KnownTaste;
  reactions: readonly ReactionRow[];
  mark: FeedbackMark;
  /** False if the listener does not exist. */
  isThere: boolean;
}

/** Reads what is known about a listener; if it was read before, only what is new. */
export async function loadTaste(
  database: Database,
  listeners: Listeners,
  listenerId: number,
  known: LoadedTaste | null,
): Promise<LoadedTaste> {
  const [{ rows, mark }, preferences] = await Promise.all([
    reactionsOf(database, listenerId, known),
    listeners.preferences([listenerId]),
  ]);
  const stated = preferences.get(listenerId);
  const taste = {
    history: currentReactions(rows.map((row) => ({ ...row, at: row.at.getTime() }))),
    genres: stated?.genres.map(({ slug, weight }) => ({ slug, weight })) ?? [],
    artistIds: stated?.artistIds ?? [],
    tags: stated?.tags ?? [],
    text: stated?.text ?? null,
    allowExplicit: stated?.allowExplicit ?? true,
  };
  return { taste, reactions: rows, mark, isThere: stated !== undefined };
}

/** A truncated history is read again in full, because what was cut off may count again. */
async function reactionsOf(
  database: Database,
  listenerId: number,
  known: LoadedTaste | null,
): Promise<MarkedReactions> {
  if (known && known.reactions.length < HISTORY_ROWS) {
    const fresh = await selectNewReactions(database, listenerId, known.mark);
    if (fresh) return { rows: merge(known.reactions, fresh.rows), mark: fresh.mark };
  }
  return selectReactions(database, listenerId, HISTORY_ROWS);
}

function merge(known: readonly ReactionRow[], fresh: readonly ReactionRow[]): ReactionRow[] {
  if (fresh.length === 0) return [...known];
  const byDeed = new Map<string, ReactionRow>();
  for (const row of [...known, ...fresh]) {
    const deed = `${row.trackId} ${row.kind}`;
    const before = byDeed.get(deed);
    const at = before && before.at > row.at ? before.at : row.at;
    byDeed.set(deed, { ...row, plays: row.plays + (before?.plays ?? 0), at });
  }
  return [...byDeed.values()].sort(newestFirst);
}
