import type { Database } from '../client.ts';
import { openPreferences } from '../sealing/sealed-listeners.ts';

/** Number of deleted rows of a listener. */
export interface ErasedRows {
  feedback: number;
  /** Reactions, saved and hidden tracks, including those taken back. */
  verdicts: number;
  /** Genres, artists, tags and texts of the preferences. */
  preferences: number;
  /** Lists served to the listener. */
  lists: number;
}

/**
 * Deletes a listener, the keys of what they wrote, and everything in the database about them, except drafts, in one transaction. Drafts are deleted
 * before, because their logs may be stored elsewhere. Meanwhile nothing can be added.
 * @returns null if there is no such listener; 'drafts' if there are drafts (again), and then nothing is changed
 */
export function eraseListenerRows({ sql, vault }: Database, listenerId: number): Promise<ErasedRows | 'drafts' | null> {
  return sql.begin(async (tx): Promise<ErasedRows | 'drafts' | null> => {
    // Whoever adds a row for the listener holds a share of this lock until the row is there.
    const [listener] = await tx<{ tags: string[]; text: string | null }[]>`
      select to_jsonb(preference_tags) as tags, preference_text as text from listeners where id = ${listenerId} for update`;
    if (!listener) return null;
    const [drafts] = await tx<{ exist: boolean }[]>`
      select exists (select from drafts where listener_id = ${listenerId}) as exist`;
    if (drafts?.exist) return 'drafts';
    const stated = await statedWords(vault, listenerId, listener);
    await tx`delete from data_keys where listener_id = ${listenerId}`;
    const { count: verdicts } = await tx`delete from verdicts where listener_id = ${listenerId}`;
    const { count: feedback } = await tx`delete from feedback where listener_id = ${listenerId}`;
    const { count: genres } = await tx`delete from listener_genres where listener_id = ${listenerId}`;
    const { count: artists } = await tx`delete from listener_artists where listener_id = ${listenerId}`;
    const { count: lists } = await tx`delete from recommendation_lists where listener_id = ${listenerId}`;
    await tx`delete from listeners where id = ${listenerId}`;
    // Also what their last drafts have noted just now.
    await tx`delete from usage_entries where listener_id = ${listenerId}`;
    return { feedback, verdicts, preferences: stated + genres + artists, lists };
  });
}

/** Number of tags and texts. Those that cannot be read any more count as none. */
async function statedWords(
  vault: Database['vault'],
  listenerId: number,
  stored: { tags: string[]; text: string | null },
): Promise<number> {
  const [words] = await openPreferences(vault, [{ ...NOTHING_ELSE, listenerId, ...stored }]);
  return (words?.tags.length ?? 0) + (words?.text == null ? 0 : 1);
}

const NOTHING_ELSE = { genres: [], artistIds: [], allowExplicit: true, updatedAt: null };
