import { print } from 'graphql';
import { FollowDraftDocument, type FollowDraftSubscription } from '../client/generated/graphql.ts';

export type DraftEvent = FollowDraftSubscription['draftEvents'];

/** As much of a browser's `EventSource` as is used here; on Node.js pass that of the package `eventsource`. */
interface Source {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

export interface Watch {
  /** Opens a connection; in a browser `(url) => new EventSource(url, { withCredentials: true })`. */
  open: (url: string) => Source;
  onEvent: (event: DraftEvent) => void;
  onEnd: () => void;
}

/**
 * Follows a draft. Each event's `id` is its cursor, and a browser whose connection breaks sends the last one as
 * `Last-Event-ID`: the server goes on after it, so nothing is missed and nothing comes twice.
 *
 * @returns what closes the connection
 */
export function watchDraft(url: string, draftId: string, { open, onEvent, onEnd }: Watch): () => void {
  const variables = JSON.stringify({ draftId });
  const source = open(`${url}?${new URLSearchParams({ query: print(FollowDraftDocument), variables }).toString()}`);
  source.addEventListener('next', ({ data }) => {
    const { data: result } = JSON.parse(String(data)) as { data?: FollowDraftSubscription };
    if (result) onEvent(result.draftEvents);
  });
  // Without this a browser would reconnect to a draft that has ended.
  source.addEventListener('complete', () => {
    source.close();
    onEnd();
  });
  return () => source.close();
}
