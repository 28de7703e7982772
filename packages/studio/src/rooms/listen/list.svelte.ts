import type { ListSubscription, ListSubscriptionVariables, RowFragment } from '../../generated/graphql.ts';
import { follow, type Line } from '../../server/follow.ts';
import { ask, succeeded } from '../../server/request.ts';
import type { Language } from '../../words/words.svelte.ts';
import { LIST, SET_HIDDEN, SET_REACTION, SET_SAVED } from './operations.ts';

export type Verdict = 'like' | 'save' | 'hide';
type Page = ListSubscription['recommendations'];

const LENGTH = 20;

/** The live list: the server sends it again whenever something changes it. */
export class LiveList {
  page = $state.raw<Page | null>(null);
  line = $state<Line>('live');
  problem = $state.raw<unknown>(null);
  /** Ranks of the tracks in the list before, by their ids. Null while there was none. */
  before = $state.raw<ReadonlyMap<string, number> | null>(null);

  get rows(): readonly RowFragment[] {
    return this.page?.nodes ?? [];
  }

  /** Follows the list for a moment in words. @returns what ends it */
  follow(text: string | null, locale: Language): () => void {
    const ending = new AbortController();
    this.page = this.before = this.problem = null;
    void this.#run({ first: LENGTH, text, locale }, ending.signal);
    return () => ending.abort();
  }

  async #run(variables: ListSubscriptionVariables, signal: AbortSignal): Promise<void> {
    const onLine = (line: Line): void => {
      if (!signal.aborted) this.line = line;
    };
    try {
      for await (const { recommendations } of follow(LIST, variables, { signal, onLine })) {
        if (signal.aborted) return;
        this.before = this.page && new Map(this.page.nodes.map(({ track, rank }) => [track.id, rank]));
        this.page = recommendations;
      }
    } catch (error) {
      if (!signal.aborted) this.problem = error;
    }
  }

  /** Where a track was in the list before: null if it was not in it, undefined if there was no such list. */
  rankBefore(trackId: string): number | null | undefined {
    return this.before === null ? undefined : (this.before.get(trackId) ?? null);
  }
}

/** Gives a verdict on a track, or takes it back. @throws Refused */
export async function judge(
  verdict: Verdict,
  trackId: string,
  isGiven: boolean,
  requestId: string | null,
): Promise<void> {
  switch (verdict) {
    case 'like':
      succeeded((await ask(SET_REACTION, { trackId, requestId, reaction: isGiven ? 'LIKE' : null })).setReaction);
      break;
    case 'save':
      succeeded((await ask(SET_SAVED, { trackId, requestId, saved: isGiven })).setSaved);
      break;
    case 'hide':
      succeeded((await ask(SET_HIDDEN, { trackId, requestId, hidden: isGiven })).setHidden);
      break;
  }
}
