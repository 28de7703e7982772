import { type ClientOptions, GraphQLRequestError, type Refusal } from './client.ts';
import type { FollowDraftSubscription } from './generated/graphql.ts';

export type DraftEvent = FollowDraftSubscription['draftEvents'];

/**
 * One connection: a draft's events after a cursor, until the draft has ended. Throws if the connection is lost before.
 */
export type Transport = (
  options: ClientOptions,
  variables: { draftId: string; after: string | null; keepOpen: boolean },
  line: Line,
) => AsyncIterable<DraftEvent>;

/** The interface between a transport and the code that reconnects it. */
export interface Line {
  /** Aborts when the connection is given up. */
  signal: AbortSignal;
  /** Call it for each received message: the server is there and has accepted the connection. */
  heard: () => void;
  /** The connection is given up after this much silence. */
  silenceMs: number;
}

export interface Result {
  data?: FollowDraftSubscription | null;
  errors?: readonly Refusal[];
}

export function eventOf({ data, errors }: Result): DraftEvent {
  if (errors || !data) throw new GraphQLRequestError(errors ?? [{ message: 'There is no data' }]);
  return data.draftEvents;
}

/** Iterates a stream, which not every browser can do. Leaving the loop cancels the stream. */
export async function* partsOf<Part>(stream: ReadableStream<Part>): AsyncGenerator<Part> {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    // Cancelling a failed stream rejects, and there is nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}
