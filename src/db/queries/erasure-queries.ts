import type { Sql } from '../transaction.ts';

/** What was deleted of a listener. */
export interface ErasedRows {
  feedback: number;
  /** Genres, artists, tags and texts that they had stated. */
  preferences: number;
  /** Lists that they had been served. */
  lists: number;
}

/**
 * Deletes a listener with all that the database holds of them but drafts, in one transaction: whose logs are kept elsewhere,
 * these are deleted before. While it is at it nothing can be added.
 * @returns null when there is no such listener; 'drafts' when there are drafts (again), and then nothing is changed
 */
export function eraseListener(sql: Sql, listenerId: number): Promise<ErasedRows | 'drafts' | null> {
  return sql.begin(async (tx): Promise<ErasedRows | 'drafts' | null> => {
    // Whoever adds a row of the listener holds a share of this lock until that row is there.
    const [listener] = await tx<{ stated: number }[]>`
      select cardinality(preference_tags) + (preference_text is not null)::int as stated
      from listeners where id = ${listenerId} for update`;
    if (!listener) return null;
    const [drafts] = await tx<{ exist: boolean }[]>`
      select exists (select from drafts where listener_id = ${listenerId}) as exist`;
    if (drafts?.exist) return 'drafts';
    const { count: feedback } = await tx`delete from feedback where listener_id = ${listenerId}`;
    const { count: genres } = await tx`delete from listener_genres where listener_id = ${listenerId}`;
    const { count: artists } = await tx`delete from listener_artists where listener_id = ${listenerId}`;
    const { count: lists } = await tx`delete from recommendation_lists where listener_id = ${listenerId}`;
    await tx`delete from listeners where id = ${listenerId}`;
    return { feedback, preferences: listener.stated + genres + artists, lists };
  });
}
