import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { expect, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { beginningOf } from '../../../bench/support/draft-client.ts';
import { ask } from '../listening.ts';
import type { TestServer } from '../server.ts';

/** One event of a draft as it came over the network. */
export interface DraftEvent {
  __typename: 'DraftSnapshot' | 'TokensAppended' | 'TokensInserted' | 'TextReplaced' | 'DraftStatusChanged';
  cursor: string;
  draft?: { text: string; status: string };
  text?: string;
  tokens?: { text: string; logprob: number }[];
  status?: string;
  finishReason?: string | null;
}

export interface StartedDraft {
  id: string;
  /** Where the draft begins. */
  cursor: string;
}

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor) { draftEvents(draftId: $id, after: $after) {
  __typename
  ... on DraftSnapshot { cursor draft { text status } }
  ... on TokensAppended { cursor text tokens { text logprob } }
  ... on DraftStatusChanged { cursor status finishReason }
} }`;

const START = `mutation ($input: StartDraftInput!) { startDraft(input: $input) {
  __typename ... on StartDraftSuccess { draft { id } } ... on Error { message }
} }`;

type At = Pick<TestServer, 'url' | 'wsUrl'>;

/** The data of one operation; an answer with errors fails. */
export async function dataOf<Data>({ url }: Pick<At, 'url'>, query: string, variables: object = {}): Promise<Data> {
  const { data, errors } = await ask(`${url}/graphql`, query, { ...variables });
  if (errors || !data) throw new Error(JSON.stringify(errors));
  return data as Data;
}

export async function startDraft(server: At, input: object): Promise<StartedDraft> {
  type Answer = { startDraft: { __typename: string; message?: string; draft?: { id: string } } };
  const { startDraft: answer } = await dataOf<Answer>(server, START, { input });
  if (!answer.draft) throw new Error(`${answer.__typename}: ${answer.message}`);
  return { id: answer.draft.id, cursor: beginningOf(answer.draft.id) };
}

/** Settles when the server has a model that writes texts. */
export const writerReady = ({ said }: Pick<TestServer, 'said'>) =>
  said(/^(?!Cadenza |.*(?:Tunes|encoder|MiniLM\S*) is).* is ready$/);

interface StartingPoint {
  id: string;
  /** Absent: a snapshot comes first. */
  after?: string;
}

/** Follows a draft over a WebSocket of its own, which `onSocket` is handed. */
export async function* followOverSocket(
  { wsUrl }: At,
  { id, after }: StartingPoint,
  onSocket: (socket: WebSocket) => void = () => undefined,
): AsyncGenerator<DraftEvent> {
  const client = createSocketClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    on: { connected: (socket) => onSocket(socket as WebSocket) },
  });
  onTestFinished(() => void client.dispose());
  yield* eventsOf(client.iterate<Followed>({ query: FOLLOW, variables: { id, after: after ?? null } }));
  await client.dispose();
}

/** Follows a draft over server-sent events. */
export async function* followOverSse({ url }: At, { id, after }: StartingPoint): AsyncGenerator<DraftEvent> {
  const client = createSseClient({ url: `${url}/graphql`, retryAttempts: 0 });
  onTestFinished(() => client.dispose());
  yield* eventsOf(client.iterate<Followed>({ query: FOLLOW, variables: { id, after: after ?? null } }));
  client.dispose();
}

type Followed = { draftEvents: DraftEvent };

async function* eventsOf(
  results: AsyncIterable<{ data?: Followed | null | undefined; errors?: readonly unknown[] | undefined }>,
): AsyncGenerator<DraftEvent> {
  for await (const { data, errors } of results) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    yield data.draftEvents;
  }
}

export async function collect(events: AsyncIterable<DraftEvent>): Promise<DraftEvent[]> {
  const seen: DraftEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

/** Events up to the one that breaks the connection, if any does; why it broke is for the caller to have brought about. */
export async function collectUntilBroken(
  events: AsyncIterable<DraftEvent>,
  onEvent: (event: DraftEvent) => unknown = () => undefined,
): Promise<{ seen: DraftEvent[]; broken: boolean }> {
  const seen: DraftEvent[] = [];
  try {
    for await (const event of events) {
      seen.push(event);
      onEvent(event);
    }
    return { seen, broken: false };
  } catch {
    return { seen, broken: true };
  }
}

/** What a reader of these events has on the screen. */
export const textOf = (events: readonly DraftEvent[]): string =>
  events.map((event) => event.draft?.text ?? event.text ?? '').join('');

export const tokensOf = (events: readonly DraftEvent[]) => events.flatMap((event) => event.tokens ?? []);

const positionOf = (cursor: string): number => {
  const [, position] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, number];
  return position;
};

/** Every event is later in the log than the one before, and one status ends it all. */
export function expectOnceAndInOrder(events: readonly DraftEvent[]): void {
  const positions = events.map(({ cursor }) => positionOf(cursor));
  expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
  const ends = events.filter(({ status }) => status === 'COMPLETED');
  expect(ends).toEqual([events.at(-1)]);
}
