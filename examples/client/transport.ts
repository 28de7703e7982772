import { type ClientOptions, GraphQLRequestError, type Refusal } from './client.ts';
import type { FollowDraftSubscription } from './generated/graphql.ts';

export type DraftEvent = FollowDraftSubscription['draftEvents'];

/** One connection: a draft's events after a cursor, until the draft has ended. Throws when it breaks before. */
export type Transport = (
  options: ClientOptions,
  variables: { draftId: string; after: string | null },
  line: Line,
) => AsyncIterable<DraftEvent>;

/** What a transport and whoever reconnects it tell each other. */
export interface Line {
  /** Aborts when the connection is to be given up. */
  signal: AbortSignal;
  /** Something came: the server is there, and has let us in. */
  heard: () => void;
  /** After so much silence the line is given up. */
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

/** A stream's parts: not every browser can iterate one. Leaving cancels it. */
export async function* partsOf<Part>(stream: ReadableStream<Part>): AsyncGenerator<Part> {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    // A stream that broke has nothing to cancel, and says so.
    await reader.cancel().catch(() => undefined);
  }
}
