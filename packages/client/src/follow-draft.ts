import { backOff, connect, type ConnectionOptions, isFinal, pause, results } from './connection.ts';

export type DraftEvent =
  | { __typename: 'DraftSnapshot'; cursor: string; draft: { text: string; status: string } }
  | { __typename: 'TokensAppended'; cursor: string; text: string }
  | { __typename: 'TokensInserted'; cursor: string; at: number; text: string }
  | { __typename: 'TextReplaced'; cursor: string; start: number; end: number; text: string }
  | { __typename: 'DraftStatusChanged'; cursor: string; status: string };

export interface FollowDraftOptions {
  /** The cursor of the last known event. Without it, a snapshot comes first. */
  after?: string | null;
  /** Goes on when the draft has ended. */
  keepOpen?: boolean;
  /** Ends it at once, even while no events come. */
  signal?: AbortSignal;
}

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor, $keepOpen: Boolean) {
  draftEvents(draftId: $id, after: $after, keepOpen: $keepOpen) { __typename
    ... on DraftSnapshot { cursor draft { text status } }
    ... on TokensAppended { cursor text }
    ... on TokensInserted { cursor at text }
    ... on TextReplaced { cursor start end text }
    ... on DraftStatusChanged { cursor status } } }`;

/**
 * A draft's events, each once and in order, through any number of lost connections: each goes on after the last event.
 * Ends with the draft, unless `keepOpen`. @throws RequestError for what cannot succeed
 */
export async function* followDraft(
  options: ConnectionOptions,
  draftId: string,
  { after = null, keepOpen = false, signal = new AbortController().signal }: FollowDraftOptions = {},
): AsyncGenerator<DraftEvent, void> {
  let cursor = after;
  for (let failures = 0; !signal.aborted; failures++) {
    const client = connect(options);
    const stop = (): void => void client.dispose();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const variables = { id: draftId, after: cursor, keepOpen };
      for await (const { draftEvents: event } of results<{ draftEvents: DraftEvent }>(client, FOLLOW, variables)) {
        cursor = event.cursor;
        failures = 0;
        yield event;
      }
      return;
    } catch (error) {
      if (isFinal(error)) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await client.dispose();
    }
    await pause(backOff(failures), signal);
  }
}
