import { request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor) { draftEvents(draftId: $id, after: $after) {
  __typename
  ... on DraftSnapshot { cursor draft { text } }
  ... on TokensAppended { cursor tokens { text logprob } }
  ... on DraftStatusChanged { cursor status }
} }`;

export interface Event {
  __typename: string;
  cursor: string;
  draft?: { text: string };
  tokens?: { text: string; logprob: number }[];
  status?: string;
}

interface Result {
  data?: { draftEvents: Event } | null;
  errors?: unknown[];
}

export interface ReaderOptions {
  draft: { id: string; cursor: string };
  /** What proves who it is. */
  authorization: string;
  random: () => number;
  /** Ports of the nodes that serve. */
  ports: readonly number[];
  /** How long a connection is kept at most. */
  stayMs: number;
  onConnect: () => void;
  /** From then on it stays until the end. */
  calm: AbortSignal;
}

/** What a token is recognised by. */
const keyOf = ({ text, logprob }: { text: string; logprob: number }): string => `${logprob} ${text}`;

/** Reads a draft to its end over any number of connections, that it breaks itself or that are broken. @returns keys of the tokens */
export async function readThroughStorm(options: ReaderOptions): Promise<string[]> {
  const { draft, random, ports, stayMs, onConnect, calm } = options;
  const state = { cursor: draft.cursor, seen: [] as string[], ended: false };
  const take = (event: Event): void => {
    // A snapshot is not for a reader who has been here: it would stand for tokens that we could not compare.
    if (event.__typename === 'DraftSnapshot') throw new Error('a reader with a cursor was given a snapshot');
    state.cursor = event.cursor;
    state.seen.push(...(event.tokens ?? []).map(keyOf));
    if (/^(COMPLETED|FAILED|CANCELLED)$/.test(event.status ?? '')) state.ended = true;
  };
  for (;;) {
    const port = ports[Math.floor(random() * ports.length)] ?? 0;
    const stay = calm.aborted ? 60_000 : random() * stayMs;
    const follow = random() < 0.2 ? overSse : overSocket;
    onConnect();
    await follow({
      port,
      stay,
      variables: { id: draft.id, after: state.cursor },
      authorization: options.authorization,
      take,
    });
    if (state.ended) return state.seen;
    // A node that is down refuses at once: no need to ask it a thousand times a second.
    await delay(20 + random() * 100);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export interface Connection {
  port: number;
  /** How long it is kept at most, in milliseconds. */
  stay: number;
  variables: { id: string; after: string };
  authorization: string;
  take: (event: Event) => void;
}

/** Until the stream ends, breaks, or has stayed long enough; then the connection is dropped without a word. */
export function overSocket({ port, stay, variables, authorization, take }: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    const timer = setTimeout(() => socket.terminate(), stay);
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization } }));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; payload?: Result };
      if (message.type === 'connection_ack')
        send({ id: '1', type: 'subscribe', payload: { query: FOLLOW, variables } });
      if (message.type === 'complete' || message.type === 'error') socket.terminate();
      const event = message.payload?.data?.draftEvents;
      try {
        if (message.type === 'next' && event) take(event);
      } catch (error) {
        reject(asError(error));
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export function overSse({ port, stay, variables, authorization, take }: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization };
    const request = httpRequest({ host: '127.0.0.1', port, path: '/graphql', method: 'POST', headers, agent: false });
    const timer = setTimeout(() => request.destroy(), stay);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('error', () => undefined);
      response.on('data', (chunk: string) => {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) {
          const data = /^data: ?(.+)$/m.exec(part)?.[1];
          const event = data ? (JSON.parse(data) as Result).data?.draftEvents : undefined;
          try {
            if (event) take(event);
          } catch (error) {
            reject(asError(error));
          }
        }
      });
    });
    request.on('error', () => undefined);
    request.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    request.end(JSON.stringify({ query: FOLLOW, variables }));
  });
}
