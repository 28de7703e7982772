import type { Sql } from '../transaction.ts';

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
 * Deletes a listener and everything in the database about them, except drafts, in one transaction. Drafts are deleted
 * before, because their logs may be stored elsewhere. Meanwhile nothing can be added.
 * @returns null if there is no such listener; 'drafts' if there are drafts (again), and then nothing is changed
 */
export function eraseListenerRows(sql: Sql, listenerId: number): Promise<ErasedRows | 'drafts' | null> {
  return sql.begin(async (tx): Promise<ErasedRows | 'drafts' | null> => {
    // Whoever adds a row for the listener holds a share of this lock until the row is there.
    const [listener] = await tx<{ stated: number }[]>`
      select cardinality(preference_tags) + (preference_text is not null)::int as stated
      from listeners where id = ${listenerId} for update`;
    if (!listener) return null;
    const [drafts] = await tx<{ exist: boolean }[]>`
      select exists (select from drafts where listener_id = ${listenerId}) as exist`;
    if (drafts?.exist) return 'drafts';
    const { count: verdicts } = await tx`delete from verdicts where listener_id = ${listenerId}`;
    const { count: feedback } = await tx`delete from feedback where listener_id = ${listenerId}`;
    const { count: genres } = await tx`delete from listener_genres where listener_id = ${listenerId}`;
    const { count: artists } = await tx`delete from listener_artists where listener_id = ${listenerId}`;
    const { count: lists } = await tx`delete from recommendation_lists where listener_id = ${listenerId}`;
    await tx`delete from listeners where id = ${listenerId}`;
    return { feedback, verdicts, preferences: listener.stated + genres + artists, lists };
  });
}
