import { followDraft } from '../../../../client/src/follow-draft.ts';
import type { DraftSheetFragment } from '../../generated/graphql.ts';
import { connection } from '../../server/follow.ts';
import { ask, Refused, succeeded } from '../../server/request.ts';
import { DRAFT, UPDATE } from './operations.ts';
import { textAfter } from './text.ts';

/**
 * A draft as it is at every moment. Its events come once and in order, however often the connection is lost; a page that is
 * loaded again begins with a snapshot ([STUDIO6]).
 */
export class LiveDraft {
  text = $state('');
  /** What is not in the events. Null until it is known. */
  sheet = $state.raw<DraftSheetFragment | null>(null);
  isMissing = $state(false);
  problem = $state.raw<unknown>(null);

  get isBeingWritten(): boolean {
    return this.sheet?.status === 'QUEUED' || this.sheet?.status === 'GENERATING';
  }

  /** @returns what ends it */
  follow(id: string): () => void {
    const ending = new AbortController();
    void this.#run(id, ending.signal).catch((error: unknown) => {
      if (!ending.signal.aborted) this.problem = error;
    });
    return () => ending.abort();
  }

  async #run(id: string, signal: AbortSignal): Promise<void> {
    await this.#read(id, signal);
    if (this.isMissing) return;
    for await (const event of followDraft(connection(), id, { keepOpen: true, signal })) {
      this.text = textAfter(this.text, event);
      // Tokens change nothing but the text.
      if (event.__typename !== 'TokensAppended' && event.__typename !== 'TokensInserted') await this.#read(id, signal);
    }
  }

  async #read(id: string, signal: AbortSignal): Promise<void> {
    const { draft } = await ask(DRAFT, { id });
    if (signal.aborted) return;
    this.isMissing = !draft;
    this.sheet = draft ?? null;
  }

  /** Saves what somebody typed, unless others have changed the text since. @throws Refused */
  async save(text: string): Promise<void> {
    if (this.sheet === null) return;
    const { id, revision } = this.sheet;
    const { updateDraft } = await ask(UPDATE, { draftId: id, text, ifRevision: revision });
    this.sheet = succeeded(updateDraft).draft;
  }

  /** Whether others have changed the text since it was read. */
  static isConflict(error: unknown): boolean {
    return error instanceof Refused && error.code === 'RevisionConflictError';
  }
}
