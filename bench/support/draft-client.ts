import { type Client, createClient } from 'graphql-ws';
import WebSocket from 'ws';

export type { Client } from 'graphql-ws';

/** A WebSocket for each reader, kept from one draft to the next. */
export class Readers implements AsyncDisposable {
  readonly #url: string;
  readonly #all: Client[] = [];
  readonly #free: Client[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async take(): Promise<Client> {
    const free = this.#free.pop();
    if (free) return free;
    const client = createClient({ url: this.#url, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 });
    this.#all.push(client);
    await new Promise<void>((resolve) => client.on('connected', () => resolve()));
    return client;
  }

  giveBack(client: Client): void {
    this.#free.push(client);
  }

  async with<Result>(use: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await this.take();
    try {
      return await use(client);
    } finally {
      this.giveBack(client);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#all) await client.dispose();
  }
}

const START = /* GraphQL */ `
  mutation ($input: StartDraftInput!) {
    startDraft(input: $input) {
      __typename
      ... on StartDraftSuccess {
        draft {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`;

const FOLLOW = /* GraphQL */ `
  subscription ($id: ID!, $after: DraftCursor) {
    draftEvents(draftId: $id, after: $after) {
      __typename
      ... on TokensAppended {
        cursor
        text
        tokens {
          text
          logprob
        }
      }
      ... on DraftStatusChanged {
        cursor
        status
        finishReason
      }
    }
  }
`;

const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) {
    cancelDraft(id: $id) {
      __typename
    }
  }
`;

export interface Started {
  id: string;
  /** Where the draft begins. */
  cursor: string;
}

interface Answer {
  startDraft: { __typename: string; message?: string; draft?: { id: string } };
}

export interface DraftEvent {
  __typename: string;
  tokens?: unknown[];
  status?: string;
}

export async function startDraft(client: Client, input: object): Promise<Started> {
  for await (const { startDraft: started } of results<Answer>(client, START, { input })) {
    if (started.draft) return { id: started.draft.id, cursor: beginningOf(started.draft.id) };
    throw new Error(`${started.__typename}: ${started.message}`);
  }
  throw new Error('startDraft was not answered');
}

/** By the time that startDraft is answered a fast model has written some of the text; the answer's cursor is after that. */
export function beginningOf(id: string): string {
  const log = Buffer.from(id, 'base64url').toString().replace('Draft:', 'draft:');
  return Buffer.from(JSON.stringify([log, 0, 0])).toString('base64url');
}

/** From the draft's beginning to its end. @throws Error when it fails */
export async function* followDraft(client: Client, { id, cursor }: Started): AsyncGenerator<DraftEvent, void> {
  const events = results<{ draftEvents: DraftEvent }>(client, FOLLOW, { id, after: cursor });
  for await (const { draftEvents: event } of events) {
    if (event.status === 'FAILED') throw new Error('a draft failed');
    yield event;
  }
}

export async function cancelDraft(client: Client, { id }: Started): Promise<void> {
  for await (const _ of results(client, CANCEL, { id })) return;
}

async function* results<Data extends object>(client: Client, query: string, variables: Record<string, unknown>) {
  for await (const { data, errors } of client.iterate<Data>({ query, variables })) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    yield data;
  }
}
